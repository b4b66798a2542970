// SPDX-License-Identifier: Apache-2.0

/// How long an invitation may hold.
package enum InvitationLimits {
    /// Seconds. Long enough to walk to the other machine, and no longer than a day: a code lies around in clipboards.
    package static let expirySeconds = 10...86_400
    package static let defaultExpirySeconds = 600
    /// Characters of what is pasted as a code, spaces and line ends included.
    package static let longestCode = 4_096
}
