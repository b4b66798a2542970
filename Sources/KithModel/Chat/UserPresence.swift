// SPDX-License-Identifier: Apache-2.0

/// Told whenever a user is served, here or at a kin that asks for one.
package protocol UserPresence: Sendable {
    /// The user is served as long as what this returns is kept.
    func begin() -> any Sendable
}
