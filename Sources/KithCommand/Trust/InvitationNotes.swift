// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// What goes to standard error beside a code: what to do with it, and what it will mean.
package struct InvitationNotes: Sendable {
    private let invitation: ControlMessage.Invitation

    package init(_ invitation: ControlMessage.Invitation) { self.invitation = invitation }

    package var lines: [String] {
        [
            "on the other machine, run kith join and paste the code",
            "it works once, for " + Lifetime.words(invitation.expiresSeconds),
            "that machine becomes \(invitation.tier.meaning)",
        ]
    }
}
