// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// One after the other; who comes or goes moves nobody's turn.
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
