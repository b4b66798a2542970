// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithMembership
import KithModel
import KithTesting
import Testing

@Suite("Registry")
struct RegistryTests {
    private let start = MonotonicInstant.zero
    private let wall = WallTime(milliseconds: 1_800_000_000_000)
    private let desk = RegistryOwner.principal("desk")
    private let other = RegistryOwner.address("192.168.1.9")

    private func cell(_ id: String = "laptop", ip: String = "192.168.1.5", port: Int = 8000, level: Double = 2.5)
        -> CellInfo
    {
        CellInfo(cellID: id, ip: ip, port: port, level: level)
    }

    private func registry(with cells: CellInfo...) -> Registry {
        var registry = Registry()
        for cell in cells { #expect(registry.register(cell, by: desk, at: start, wall: wall) == nil) }
        return registry
    }

    @Test("What was registered is listed with the time it was seen, until it expires")
    func expiry() {
        let registry = registry(with: cell())
        var expected = cell()
        expected.lastSeen = wall
        #expect(registry.cells(at: start + (Registry.expiry - .nanoseconds(1))) == [expected])
        #expect(registry.cells(at: start + Registry.expiry).isEmpty)
    }

    @Test("A cell that was probed is taken over by itself, from the same address only")
    func probed() {
        var registry = Registry()
        #expect(registry.register(cell(), by: .probe, at: start, wall: wall) == nil)
        #expect(registry.register(cell(ip: "192.168.1.6"), by: desk, at: start, wall: wall) == .taken("laptop"))
        #expect(registry.register(cell(port: 8002), by: desk, at: start, wall: wall) == nil)
        #expect(registry.register(cell(), by: .probe, at: start, wall: wall) == .taken("laptop"))
        #expect(registry.cells(at: start).map(\.port) == [8002])
    }

    @Test("A heartbeat renews, and changes the level only when it names one")
    func heartbeat() {
        var registry = registry(with: cell())
        let later = start + .seconds(10)
        let seen = wall.advanced(by: .seconds(10))
        #expect(registry.heartbeat("laptop", level: nil, by: desk, at: later, wall: seen) == nil)
        #expect(registry.cells(at: start + .seconds(20)).map(\.level) == [2.5])
        #expect(registry.cells(at: start + .seconds(20)).map(\.lastSeen) == [seen])
        #expect(registry.heartbeat("laptop", level: 3.2, by: desk, at: later, wall: seen) == nil)
        #expect(registry.cells(at: later).map(\.level) == [3.2])
    }

    @Test("Nobody but the owner changes an entry before it expires")
    func ownership() {
        var registry = registry(with: cell())
        #expect(registry.register(cell(ip: "192.168.1.9"), by: other, at: start, wall: wall) == .taken("laptop"))
        #expect(registry.heartbeat("laptop", level: 9, by: other, at: start, wall: wall) == .foreign("laptop"))
        #expect(registry.deregister("laptop", by: other, at: start) == .foreign("laptop"))
        #expect(registry.cells(at: start).map(\.ip) == ["192.168.1.5"])
        let later = start + Registry.expiry
        #expect(registry.register(cell(ip: "192.168.1.9"), by: other, at: later, wall: wall) == nil)
        #expect(registry.cells(at: later).map(\.ip) == ["192.168.1.9"])
    }

    @Test("What is not there, or not any more, is unknown")
    func unknown() {
        var registry = registry(with: cell())
        #expect(registry.heartbeat("x", level: nil, by: desk, at: start, wall: wall) == .unknown("x"))
        #expect(registry.deregister("laptop", by: desk, at: start) == nil)
        #expect(registry.deregister("laptop", by: desk, at: start) == .unknown("laptop"))
    }

    @Test(
        "What cannot be taken is refused with its field",
        arguments: [
            (CellInfo(cellID: "", ip: "10.0.0.1", port: 1), "cell_id"),
            (CellInfo(cellID: "a/b", ip: "10.0.0.1", port: 1), "cell_id"),
            (CellInfo(cellID: "a\u{1B}[2J", ip: "10.0.0.1", port: 1), "cell_id"),
            (CellInfo(cellID: String(repeating: "x", count: 256), ip: "10.0.0.1", port: 1), "cell_id"),
            (CellInfo(cellID: "a", ip: "10.0.0.1", port: 0), "port"),
            (CellInfo(cellID: "a", ip: "10.0.0.1", port: 65_536), "port"),
            (CellInfo(cellID: "a", ip: "8.8.8.8", port: 1), "ip"),
            (CellInfo(cellID: "a", ip: "10.0.0.1", port: 1, level: -0.1), "consciousness_level"),
            (CellInfo(cellID: "a", ip: "10.0.0.1", port: 1, level: 10.1), "consciousness_level"),
            (CellInfo(cellID: "a", ip: "10.0.0.1", port: 1, level: .nan), "consciousness_level"),
            (CellInfo(cellID: "a", ip: "10.0.0.1", port: 1, level: .infinity), "consciousness_level"),
            (
                CellInfo(cellID: "a", ip: "10.0.0.1", port: 1, services: Array(repeating: "s", count: 65)),
                "services"
            ),
            (CellInfo(cellID: "a", ip: "10.0.0.1", port: 1, branch: "\u{0}"), "branch"),
        ] as [(CellInfo, String)])
    func refused(cell: CellInfo, field: String) {
        var registry = Registry()
        guard case .unusable(let named, _) = registry.register(cell, by: desk, at: start, wall: wall) else {
            Issue.record("it was taken")
            return
        }
        #expect(named == field)
        #expect(registry.cells(at: start).isEmpty)
    }

    @Test("A level out of range leaves the one before")
    func badHeartbeat() {
        var registry = registry(with: cell())
        for level in [-1, 10.5, .nan, .infinity] {
            #expect(registry.heartbeat("laptop", level: level, by: desk, at: start, wall: wall) != nil)
        }
        #expect(registry.cells(at: start).map(\.level) == [2.5])
    }

    @Test(
        "Addresses within the house are taken",
        arguments: [
            "127.0.0.1", "localhost", "::1", "10.0.0.1", "192.168.1.1", "172.16.5.4", "fd00::1", "fe80::1",
            "aios-laptop.local", "desk", "Desk.LAN", "cell_1", "node.home.arpa", "100.100.1.1",
        ])
    func allowed(ip: String) { #expect(RegistryAddressRules().refusal(of: ip) == nil) }

    @Test(
        "Addresses outside are refused, unless they are allowed",
        arguments: [
            "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8", "example.com", "evil.local.example.com", "", ".", "a..local",
            "0.0.0.0", "224.0.0.1", "http://x", "a b", "user@desk", "2130706433", "127.1", "0x7f.1", "desk/", "-\n",
        ])
    func outside(ip: String) {
        #expect(RegistryAddressRules().refusal(of: ip) != nil)
        #expect(RegistryAddressRules(allowed: [ip]).refusal(of: ip) == nil)
    }

    @Test("There is a limit on entries, and on those of one owner")
    func limits() {
        var registry = Registry()
        for owner in 0..<8 {
            for number in 0..<300 {
                let refusal = registry.register(
                    cell("\(owner)-\(number)"), by: .address("10.0.0.\(owner)"), at: start, wall: wall)
                if owner == 0 { #expect((refusal == nil) == (number < Registry.maximumEntriesOfOneOwner)) }
            }
        }
        #expect(registry.cells(at: start).count == Registry.maximumEntries)
        #expect(registry.register(cell("0-1"), by: .address("10.0.0.0"), at: start, wall: wall) == nil)
    }

    @Test("All of one machine's addresses for itself are one owner")
    func loopback() {
        #expect(RegistryOwner.connected(from: "127.0.0.1") == .connected(from: "::1"))
        #expect(RegistryOwner.connected(from: "192.168.1.1") != .connected(from: "192.168.1.2"))
    }

    @Test("After a restart cells have the usual time to be heard of, and keep their owners")
    func restore() {
        let before = registry(with: cell(), cell("phone"))
        var after = Registry()
        let wake = MonotonicInstant(nanoseconds: 77)
        after.restore(
            before.entries(at: start), savedAt: wall, at: wake, wall: wall.advanced(by: .seconds(60)))
        #expect(after.cells(at: wake).map(\.cellID) == ["laptop", "phone"])
        #expect(after.register(cell(), by: other, at: wake, wall: wall) == .taken("laptop"))
        #expect(after.cells(at: wake + Registry.expiry).isEmpty)
    }

    @Test("What was saved long ago, and what would be refused now, is not restored")
    func oldArchive() {
        let entry = Registry.Entry(cell: cell(), owner: desk)
        let bad = Registry.Entry(cell: cell("bad", ip: "8.8.8.8"), owner: desk)
        var registry = Registry()
        registry.restore([entry], savedAt: wall, at: start, wall: wall.advanced(by: .seconds(601)))
        #expect(registry.cells(at: start).isEmpty)
        registry.restore([entry, bad], savedAt: wall, at: start, wall: wall.advanced(by: .seconds(-5)))
        #expect(registry.cells(at: start).map(\.cellID) == ["laptop"])
    }

    @Test("A kith node among cells is suggested, with what its registry kept")
    func suggestions() throws {
        var node = cell("desk")
        #expect(node.suggestion == nil)
        node.services = ["code-assist", "kith:x", "kith:0", "kith:7444"]
        #expect(node.suggestion?.address.description == "192.168.1.5:7444")
        #expect(node.suggestion?.id == nil)
        node.kith = KithCell(id: try TestID.make(3), peerPort: 7445, version: "1", protocolVersion: 1)
        #expect(node.suggestion?.address.port == 7445)
        #expect(node.suggestion?.id == (try TestID.make(3)))
        #expect(node.suggestion?.name?.rawValue == "desk")
    }
}
