// SPDX-License-Identifier: Apache-2.0

/// The version of this program.
package enum KithVersion {
    package static let text = "0.1.0"
}
