// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A peer that may be talked to, and what is known of it.
package struct Companion: Hashable, Sendable {
    /// What tells it from all others: a node's id or an address.
    package var key: String
    package var reputation: Reputation

    package init(key: String, reputation: Reputation) {
        self.key = key
        self.reputation = reputation
    }
}

/// A way to choose whom to talk to.
package protocol PeerChoosing: Sendable {
    /// - Parameter companions: Those that can be asked now, in an order that stays.
    /// - Returns: One of their places; `nil` when there is nobody.
    mutating func choose(
        among companions: [Companion], now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> Int?
}

/// The ways there are, as settings name them.
package enum PeerChoice: String, Sendable, CaseIterable {
    case random
    case roundRobin = "round-robin"
    case weighted
    case thompson

    package func make() -> any PeerChoosing {
        switch self {
        case .random: RandomChoice()
        case .roundRobin: RoundRobinChoice()
        case .weighted: WeightedChoice()
        case .thompson: ThompsonChoice()
        }
    }
}
