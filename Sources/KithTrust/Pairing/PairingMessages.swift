// SPDX-License-Identifier: Apache-2.0

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

/// From the inviter: to be answered once, within ``InvitationBook/challengeLifetime``.
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
