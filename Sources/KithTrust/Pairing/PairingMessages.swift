// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

// The four messages of a pairing, in the order in which they are sent. Both sides know each other's id from the TLS
// handshake; no message names a node.

/// From the joiner: which invitation it is about.
package struct PairingHello: Hashable, Sendable, Codable {
    package var invitation: InvitationID
    package var nonce: Octets32

    package init(invitation: InvitationID, nonce: Octets32) {
        self.invitation = invitation
        self.nonce = nonce
    }
}

/// From the inviter: to be answered once, within ``InvitationStore/challengeLifetime``.
package struct PairingChallenge: Hashable, Sendable, Codable {
    package var nonce: Octets32

    package init(nonce: Octets32) {
        self.nonce = nonce
    }
}

/// From the joiner: proof that it knows the secret.
package struct PairingProof: Hashable, Sendable, Codable {
    /// The nonce of the challenge.
    package var challenge: Octets32
    package var mac: Octets32
    package var introduction: PairingIntroduction

    package init(challenge: Octets32, mac: Octets32, introduction: PairingIntroduction) {
        self.challenge = challenge
        self.mac = mac
        self.introduction = introduction
    }
}

/// From the inviter: proof that it knows the secret too, and has accepted.
package struct PairingAcceptance: Hashable, Sendable, Codable {
    package var mac: Octets32
    package var introduction: PairingIntroduction

    package init(mac: Octets32, introduction: PairingIntroduction) {
        self.mac = mac
        self.introduction = introduction
    }
}

/// What a node says of itself when it is paired.
package struct PairingIntroduction: Hashable, Sendable {
    package static let addressLimit = 8

    package let name: NodeName?
    package let addresses: [PeerAddress]

    /// Addresses beyond the limit are left out.
    package init(name: NodeName?, addresses: [PeerAddress]) {
        self.name = name
        self.addresses = Array(addresses.prefix(Self.addressLimit))
    }
}

extension PairingIntroduction: Codable {
    private enum CodingKeys: String, CodingKey { case name, addresses }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        var list = try container.nestedUnkeyedContainer(forKey: .addresses)
        var addresses: [PeerAddress] = []
        while !list.isAtEnd {
            guard addresses.count < Self.addressLimit else {
                throw DecodingError.dataCorruptedError(in: list, debugDescription: "too many addresses")
            }
            addresses.append(try list.decode(PeerAddress.self))
        }
        self.init(name: try container.decodeIfPresent(NodeName.self, forKey: .name), addresses: addresses)
    }
}

/// Everything that both sides of one pairing attempt must agree on; the proofs are message authentication codes over it
/// (HMAC-SHA256, RFC 2104).
///
/// The ids are those which each side saw in its own TLS handshake, so a proof that is passed on by somebody in the middle
/// does not match.
struct PairingTranscript {
    var inviter: NodeID
    var joiner: NodeID
    var joinerNonce: Octets32
    var inviterNonce: Octets32
    var tier: Tier

    /// What the joiner sends.
    func joinerProof(_ introduction: PairingIntroduction, secret: PairingSecret) -> Octets32? {
        mac(message(role: "joiner", introduction), secret)
    }

    /// What the inviter sends; covers the joiner's proof and thereby what the joiner said of itself.
    func inviterProof(
        _ introduction: PairingIntroduction, after joinerProof: Octets32, secret: PairingSecret
    ) -> Octets32? {
        mac(message(role: "inviter", introduction) + joinerProof.bytes, secret)
    }

    /// Compares in constant time.
    func isJoinerProof(_ proof: Octets32, _ introduction: PairingIntroduction, secret: PairingSecret) -> Bool {
        isValid(proof, message(role: "joiner", introduction), secret)
    }

    /// Compares in constant time.
    func isInviterProof(
        _ proof: Octets32, _ introduction: PairingIntroduction, after joinerProof: Octets32,
        secret: PairingSecret
    ) -> Bool {
        isValid(proof, message(role: "inviter", introduction) + joinerProof.bytes, secret)
    }

    private func message(role: String, _ introduction: PairingIntroduction) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(counted: "kith pairing 2".utf8)
        writer.append(counted: role.utf8)
        writer.append(inviter)
        writer.append(joiner)
        writer.append(contentsOf: joinerNonce.bytes)
        writer.append(contentsOf: inviterNonce.bytes)
        writer.append(counted: tier.rawValue.utf8)
        writer.append(counted: (introduction.name?.rawValue ?? "").utf8)
        writer.append(uint16: UInt16(clamping: introduction.addresses.count))
        for address in introduction.addresses { writer.append(counted: address.description.utf8) }
        return writer.bytes
    }

    private func key(_ secret: PairingSecret) -> SymmetricKey {
        secret.key(nonces: joinerNonce.bytes + inviterNonce.bytes)
    }

    private func mac(_ message: [UInt8], _ secret: PairingSecret) -> Octets32? {
        Octets32(Array(HMAC<SHA256>.authenticationCode(for: message, using: key(secret))))
    }

    private func isValid(_ proof: Octets32, _ message: [UInt8], _ secret: PairingSecret) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(proof.bytes, authenticating: message, using: key(secret))
    }
}

/// Why a pairing failed. The raw value is for the wire and the audit trail.
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
    /// A node other than the one that made the code answers.
    case otherNode = "other_node"
    /// A code for somebody else's node was brought by a kin, or to one: pairing does not trust less.
    case alreadyKin = "already_kin"
}

extension PairingRefusal: CustomStringConvertible {
    private static let anew =
        "make a new one there with \"kith invite --tier kin\", or \"--tier kith\" for a friend's node"

    /// One sentence that says what to do.
    package var description: String {
        switch self {
        case .unknownInvitation:
            "The other node knows no such invitation; \(Self.anew)."
        case .expired: "The code has expired; \(Self.anew)."
        case .alreadyUsed: "The code has been used; \(Self.anew)."
        case .spoilt: "The code was locked after wrong attempts; \(Self.anew)."
        case .wrongProof: "The code's secret was not proven; copy the code again, or make a new one."
        case .replayed: "The answer belongs to no open challenge; try again."
        case .challengeExpired: "The answer came too late; try again."
        case .tooManyAttempts: "There were too many attempts; wait a minute and try again."
        case .tooManyInvitations: "There are too many open invitations; wait until one expires."
        case .malformed: "The message was not understood; update both nodes."
        case .ownCode: "The code was made on this very node; enter it on the other one."
        case .alreadyKin:
            "That node is kin already; to trust it less, use \"kith tier NAME kith\", with its name in kith peers."
        case .otherNode: "Another node answers than the one that made the code; do not trust it."
        }
    }
}
