// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How a node is woken, as it tells its kin, and nobody else: the answer to `GET /peer/v1/hardware`.
///
/// Asked of the node itself, and never passed on: so nobody can say of another how it is woken.
package struct PeerHardware: Codable, Hashable, Sendable {
    /// At most `NetworkCard.limit`.
    package var cards: [NetworkCard]
    /// Whether prompts may wake it.
    package var allowsPrompts: Bool

    package init(cards: [NetworkCard], allowsPrompts: Bool) {
        self.cards = Array(cards.prefix(NetworkCard.limit))
        self.allowsPrompts = allowsPrompts
    }

    private enum CodingKeys: String, CodingKey { case cards, allowsPrompts }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        var list = try container.nestedUnkeyedContainer(forKey: .cards)
        var cards: [NetworkCard] = []
        while !list.isAtEnd, cards.count < NetworkCard.limit { cards.append(try list.decode(NetworkCard.self)) }
        self.init(cards: cards, allowsPrompts: try container.decode(Bool.self, forKey: .allowsPrompts))
    }
}

/// Asks a kin to wake another one: the body of `POST /peer/v1/wake`.
///
/// It names the machine, and no address: the kin sends to what that machine itself has told it, or not at all.
package struct PeerWakeRequest: Codable, Hashable, Sendable {
    package var node: NodeID

    package init(node: NodeID) { self.node = node }
}

/// Its answer.
package struct PeerWakeAnswer: Codable, Hashable, Sendable {
    package enum Refusal: String, Codable, Sendable {
        /// The machine has never told this kin how it is woken.
        case unknownAddress = "unknown_address"
        /// The two share no network.
        case otherNetwork = "other_network"
        /// The system took no packet.
        case notSent = "not_sent"
        /// A reason that a later version may have.
        case other
    }

    private static let limit = NetworkCard.limit * NetworkCard.networkLimit

    /// On which it was sent; at most 16.
    package var networks: [AddressRange]
    /// Why it was sent on none.
    package var refusal: Refusal?

    package init(networks: [AddressRange], refusal: Refusal? = nil) {
        self.networks = Array(networks.prefix(Self.limit))
        self.refusal = refusal
    }

    private enum CodingKeys: String, CodingKey { case networks, refusal }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        var list = try container.nestedUnkeyedContainer(forKey: .networks)
        var networks: [AddressRange] = []
        while !list.isAtEnd, networks.count < Self.limit {
            if let network = AddressRange(try list.decode(String.self)) { networks.append(network) }
        }
        let word = try container.decodeIfPresent(String.self, forKey: .refusal)
        self.init(networks: networks, refusal: word.map { Refusal(rawValue: $0) ?? .other })
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(networks.map(\.description), forKey: .networks)
        try container.encodeIfPresent(refusal, forKey: .refusal)
    }
}

extension PeerWakeAnswer.Refusal {
    /// Follows the name of the kin that was asked.
    var words: String {
        switch self {
        case .unknownAddress: "has never seen its hardware address"
        case .otherNetwork: "is on none of its networks"
        case .notSent: "could not send"
        case .other: "did not send"
        }
    }
}
