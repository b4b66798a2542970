// SPDX-License-Identifier: Apache-2.0

import KithHTTP
import KithInference
import KithModel
import Testing

@Suite("Peer book")
struct PeerBookTests {
    private func book(_ ports: Int...) throws -> PeerBook {
        PeerBook(
            endpoints: ports.map { PeerEndpoint(address: HTTPAddress(host: "127.0.0.1", port: $0), tier: .kin) },
            ownName: try name("own"), ownBoot: "own-boot")
    }

    private func name(_ text: String) throws -> NodeName { try #require(NodeName(text)) }

    private func status(_ text: String, boot: String) throws -> PeerWire.Status {
        PeerWire.Status(
            name: try name(text), version: "1", wire: 1, boot: boot, loading: false,
            models: [ModelInfo(id: "m")], slots: 2, outstanding: 1, level: 3)
    }

    @Test("A peer that has not been heard of is unknown, and named by its address")
    func unknown() throws {
        let node = try #require(try book(8081).snapshots().first)
        #expect(node.name.rawValue == "127-0-0-1-8081")
        #expect(node.reachability == .unknown)
    }

    @Test("A peer that answers is up with what it said, and is told of once")
    func appears() throws {
        var book = try book(8081)
        let status = try status("desk", boot: "1")
        let desk = try name("desk")
        let first = book.answered(0, with: status, latency: .milliseconds(3), now: .zero)
        let second = book.answered(0, with: status, latency: .milliseconds(3), now: .zero)
        #expect(first == .appeared(desk))
        #expect(second == .none)
        let node = try #require(book.snapshots().first)
        #expect(node.name == desk)
        #expect(node.reachability == .up)
        #expect(node.outstanding == 1)
        #expect(node.slots == 2)
        #expect(node.level == 3)
        #expect(node.latency == .milliseconds(3))
    }

    @Test("A peer that fails is down, and back when it answers again")
    func leavesAndReturns() throws {
        var book = try book(8081)
        let desk = try name("desk")
        _ = book.answered(0, with: try status("desk", boot: "1"), latency: .zero, now: .zero)
        let left = book.failed(0, why: "refused")
        let again = book.failed(0, why: "refused")
        #expect(left == .left(desk, "refused"))
        #expect(again == .none)
        #expect(book.snapshots().first?.reachability == .down("refused"))
        let back = book.answered(0, with: try status("desk", boot: "1"), latency: .zero, now: .zero)
        #expect(back == .returned(desk))
    }

    @Test("A peer that restarted between two probes has returned, although it was never seen down")
    func restartIsSeen() throws {
        var book = try book(8081)
        _ = book.answered(0, with: try status("desk", boot: "1"), latency: .zero, now: .zero)
        let change = book.answered(0, with: try status("desk", boot: "2"), latency: .zero, now: .zero)
        #expect(change == .returned(try name("desk")))
    }

    @Test("An address that leads to this node itself is left out")
    func itself() throws {
        var book = try book(8080)
        let change = book.answered(0, with: try status("own", boot: "own-boot"), latency: .zero, now: .zero)
        #expect(change == .alias(of: try name("own")))
        #expect(book.snapshots().isEmpty)
    }

    @Test("Two nodes of one name are told apart by their addresses")
    func sameName() throws {
        var book = try book(8081, 8082)
        _ = book.answered(0, with: try status("desk", boot: "1"), latency: .zero, now: .zero)
        _ = book.answered(1, with: try status("desk", boot: "2"), latency: .zero, now: .zero)
        #expect(book.snapshots().map(\.name.rawValue) == ["desk", "desk-8082"])
        #expect(book.index(of: try name("desk-8082")) == 1)
    }
}
