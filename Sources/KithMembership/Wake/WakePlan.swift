// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Who sends what to wake a machine: a pure value.
package enum WakePlan {
    /// A packet for one interface of the sleeper, on a network that it shares with this machine.
    package struct Place: Hashable, Sendable {
        package var network: OwnNetwork
        package var hardware: HardwareAddress

        package init(network: OwnNetwork, hardware: HardwareAddress) {
            self.network = network
            self.hardware = hardware
        }
    }

    /// Kin that are asked to send too.
    package static let helperLimit = 8

    /// Where this machine sends: on each network that it shares with one of the sleeper's interfaces, with IPv6 only where the
    /// two share no network of IPv4 by the same interface, since both lead to the same link.
    package static func places(to cards: [NetworkCard], from own: [OwnNetwork]) -> [Place] {
        var places: [Place] = []
        for card in cards.prefix(NetworkCard.limit) {
            let shared = own.filter { card.networks.contains($0.network) }
            for network in shared {
                let isSecond =
                    network.own.isIPv6
                    && shared.contains { $0.interface == network.interface && !$0.own.isIPv6 }
                let place = Place(network: network, hardware: card.hardware)
                if !isSecond, !places.contains(place) { places.append(place) }
            }
        }
        return places
    }

    /// Which of the kin that are up are asked, by what they have said of their own networks.
    package static func helpers(
        for cards: [NetworkCard], among kin: [(id: NodeID, cards: [NetworkCard])]
    ) -> [NodeID] {
        let wanted = Set(cards.flatMap(\.networks))
        let near = kin.filter { !wanted.isDisjoint(with: $0.cards.flatMap(\.networks)) }
        return Array(near.map(\.id).prefix(helperLimit))
    }
}
