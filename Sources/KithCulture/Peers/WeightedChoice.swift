// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Each as often as its reputation says.
package struct WeightedChoice: PeerChoosing {
    /// So that the worst is heard now and then, and can become better.
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
