// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Anybody, as the seed does.
package struct RandomChoice: PeerChoosing {
    package init() {}

    package mutating func choose(
        among companions: [Companion], now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> Int? {
        companions.indices.randomElement(using: &generator)
    }
}
