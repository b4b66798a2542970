// SPDX-License-Identifier: Apache-2.0

package import KithModel

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A peer that may be talked to, and what is known of it.
package struct Companion: Hashable, Sendable {
    /// Identifies the peer: a node's id or an address.
    package var key: String
    package var reputation: Reputation

    package init(key: String, reputation: Reputation) {
        self.key = key
        self.reputation = reputation
    }
}

/// A way to choose whom to talk to.
package protocol PeerChoosing: Sendable {
    /// - Parameter companions: The peers that can be asked now, in a stable order.
    /// - Returns: The index of one of them; `nil` when there are none.
    mutating func choose(
        among companions: [Companion], now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> Int?
}

/// The ways to choose a peer, as settings name them.
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

/// Any peer at random, as the seed does.
package struct RandomChoice: PeerChoosing {
    package init() {}

    package mutating func choose(
        among companions: [Companion], now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> Int? {
        companions.indices.randomElement(using: &generator)
    }
}

/// One after the other; peers that come or go do not change the turns of the rest.
package struct RoundRobinChoice: PeerChoosing {
    private var last: String?

    package init() {}

    package mutating func choose(
        among companions: [Companion], now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> Int? {
        let inOrder = companions.indices.sorted { companions[$0].key < companions[$1].key }
        let following = last.flatMap { last in inOrder.first { companions[$0].key > last } }
        guard let chosen = following ?? inOrder.first else { return nil }
        last = companions[chosen].key
        return chosen
    }
}

/// Each peer in proportion to its reputation.
package struct WeightedChoice: PeerChoosing {
    /// The least weight, so that the worst peer is asked now and then and can improve.
    static let least = 0.05

    package init() {}

    package mutating func choose(
        among companions: [Companion], now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> Int? {
        let weights = companions.map { max($0.reputation.score(at: now), Self.least) }
        let total = weights.reduce(0, +)
        guard total > 0 else { return nil }
        var place = Double.random(in: 0..<total, using: &generator)
        for (index, weight) in weights.enumerated() {
            place -= weight
            if place < 0 { return index }
        }
        return weights.indices.last
    }
}

/// The peer that is best in a random draw from what is known of each (Thompson sampling): little-known peers are tried,
/// and the better a peer is known to be, the more often it is asked.
///
/// W. R. Thompson, "On the likelihood that one unknown probability exceeds another in view of the evidence of two
/// samples", Biometrika 1933.
package struct ThompsonChoice: PeerChoosing {
    package init() {}

    package mutating func choose(
        among companions: [Companion], now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> Int? {
        var best: (place: Int, worth: Double)?
        for (place, companion) in companions.enumerated() {
            let (alpha, beta) = companion.reputation.shape(at: now)
            let (gain, loss) = (Self.gamma(alpha, using: &generator), Self.gamma(beta, using: &generator))
            let worth = gain / (gain + loss)  // of a Beta distribution
            if worth > best?.worth ?? -1 { best = (place, worth) }
        }
        return best?.place
    }

    /// A draw from the Gamma distribution of a shape of at least 1 (G. Marsaglia and W. W. Tsang, "A simple method for
    /// generating gamma variables", ACM TOMS 2000).
    static func gamma(_ shape: Double, using generator: inout some RandomNumberGenerator) -> Double {
        let scaled = max(shape, 1) - 1.0 / 3
        let spread = 1 / (9 * scaled).squareRoot()
        for _ in 0..<1_000 {  // nineteen of twenty draws are taken
            let normal = Self.normal(using: &generator)
            let cube = 1 + spread * normal
            guard cube > 0 else { continue }
            let volume = cube * cube * cube
            let uniform = Double.random(in: Double.leastNonzeroMagnitude..<1, using: &generator)
            if log(uniform) < normal * normal / 2 + scaled * (1 - volume + log(volume)) { return scaled * volume }
        }
        return scaled
    }

    /// Box and Muller's transform.
    private static func normal(using generator: inout some RandomNumberGenerator) -> Double {
        let radius = (-2 * log(Double.random(in: Double.leastNonzeroMagnitude..<1, using: &generator))).squareRoot()
        return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
    }
}
