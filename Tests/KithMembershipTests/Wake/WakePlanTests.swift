// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithMembership

@Suite("Who sends what to wake a machine")
struct WakePlanTests {
    private func own(_ address: String, _ length: Int, by interface: String = "eth0") throws -> OwnNetwork {
        let own = try #require(IPAddress(address))
        let place = try #require(OwnNetwork.network(of: own, length: length, interface: interface))
        return OwnNetwork(
            interface: interface, hardware: try #require(HardwareAddress("02:00:00:00:00:01")), network: place.network,
            own: own, everybody: place.everybody)
    }

    private func card(_ number: Int, _ networks: String...) throws -> NetworkCard {
        NetworkCard(
            hardware: try #require(HardwareAddress("02:00:00:00:00:0\(number)")),
            networks: networks.compactMap { AddressRange($0) })
    }

    @Test(
        "A network is what its address and mask say, and everybody there is reached at its broadcast address",
        arguments: [
            ("10.71.7.11", 24, "10.71.7.0/24", "10.71.7.255"), ("192.168.5.77", 20, "192.168.0.0/20", "192.168.15.255"),
            ("10.1.2.3", 8, "10.0.0.0/8", "10.255.255.255"), ("172.16.0.6", 30, "172.16.0.4/30", "172.16.0.7"),
            ("fd00:1::7", 64, "fd00:1::/64", "ff02::1%eth0"),
        ])
    func network(address: String, length: Int, network: String, everybody: String) throws {
        let found = try own(address, length)
        #expect(found.network.description == network)
        #expect(found.everybody.description == everybody)
    }

    @Test(
        "An address that says nothing of where others are is no network",
        arguments: [
            ("127.0.0.1", 8), ("fe80::1", 64), ("::1", 128), ("10.0.0.1", 32), ("10.0.0.1", 31), ("fd00::1", 128),
            ("0.0.0.0", 8), ("10.0.0.1", 0), ("224.0.0.1", 24),
        ])
    func noNetwork(address: String, length: Int) throws {
        let own = try #require(IPAddress(address))
        #expect(OwnNetwork.network(of: own, length: length, interface: "eth0") == nil)
    }

    @Test("A machine sends on the networks that it shares with the sleeper, and on no other")
    func shared() throws {
        let own = [try own("10.0.0.1", 24), try own("10.9.0.1", 24, by: "eth1")]
        let places = WakePlan.places(
            to: [try card(2, "10.0.0.0/24", "10.1.0.0/24"), try card(3, "10.2.0.0/24")], from: own)
        #expect(places.map(\.hardware.description) == ["02:00:00:00:00:02"])
        #expect(places.map(\.network) == [own[0]])
    }

    @Test("IPv6 is used where the two share no IPv4 by that interface")
    func families() throws {
        let both = [try own("10.0.0.1", 24), try own("fd00::1", 64)]
        let card = try card(2, "10.0.0.0/24", "fd00::/64")
        #expect(WakePlan.places(to: [card], from: both).map(\.network) == [both[0]])
        #expect(WakePlan.places(to: [card], from: [both[1]]).map(\.network) == [both[1]])
    }

    @Test("Of the kin that are up those are asked that are on one of its networks, eight at most")
    func helpers() throws {
        let cards = [try card(2, "10.0.0.0/24")]
        let near = try (1...9).map { (NodeID.numbered($0), [try card(1, "10.5.0.0/16", "10.0.0.0/24")]) }
        let far = [(NodeID.numbered(20), [try card(1, "10.0.1.0/24")]), (.numbered(21), [])]
        let asked = WakePlan.helpers(for: cards, among: (far + near).map { (id: $0.0, cards: $0.1) })
        #expect(asked == (1...8).map { .numbered($0) })
    }

    @Test("This machine's own networks can be looked up, and have a card each")
    func survey() {
        let own = OwnNetwork.survey()
        #expect(own.allSatisfy { $0.own.isUnicast && !$0.own.isLoopback })
        #expect(Set(NetworkCard.cards(of: own).map(\.hardware)).isSubset(of: Set(own.map(\.hardware))))
    }
}
