// SPDX-License-Identifier: Apache-2.0

/// Why a pairing did not come about. The raw value is for the wire and the audit trail.
package enum PairingRefusal: String, Error, Hashable, Sendable, Codable, CaseIterable {
    case unknownInvitation = "unknown_invitation"
    case expired
    case alreadyUsed = "already_used"
    /// Too many wrong proofs were given for the invitation.
    case spoilt
    case wrongProof = "wrong_proof"
    /// The challenge was never given, was given to another node, or has been answered.
    case replayed
    /// The challenge was answered too late.
    case challengeExpired = "challenge_expired"
    case tooManyAttempts = "too_many_attempts"
    case tooManyInvitations = "too_many_invitations"
    case malformed
    /// The code was made by the node that reads it.
    case ownCode = "own_code"
    /// Another node answers than the one that made the code.
    case otherNode = "other_node"
}

extension PairingRefusal: CustomStringConvertible {
    /// One sentence that says what to do.
    package var description: String {
        switch self {
        case .unknownInvitation: "The other node knows no such invitation; make a new code there with \"kith invite\"."
        case .expired: "The code has expired; make a new one with \"kith invite\"."
        case .alreadyUsed: "The code has been used; make a new one with \"kith invite\"."
        case .spoilt: "The code was locked after wrong attempts; make a new one with \"kith invite\"."
        case .wrongProof: "The code's secret was not proven; copy the code again, or make a new one."
        case .replayed: "The answer belongs to no open challenge; try again."
        case .challengeExpired: "The answer came too late; try again."
        case .tooManyAttempts: "There were too many attempts; wait a minute and try again."
        case .tooManyInvitations: "There are too many open invitations; wait until one expires."
        case .malformed: "The message was not understood; update both nodes."
        case .ownCode: "The code was made on this very node; enter it on the other one."
        case .otherNode: "Another node answers than the one that made the code; do not trust it."
        }
    }
}
