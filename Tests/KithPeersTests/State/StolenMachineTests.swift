// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import KithTrust
import Testing

@testable import KithAPI
@testable import KithPeers
@testable import KithSync

/// Two nodes of an owner, and a third that says what it likes over its own connection, until it is forgotten.
@Suite(.timeLimit(.minutes(2))) struct `A stolen machine among kin` {
    private static func flood(_ count: Int, by node: NodeID, epoch: UInt64 = 1) -> SyncMessage {
        let replica = Replica(node: node, epoch: epoch)
        let operations = (1...count).map { number in
            Operation(
                id: OperationID(replica: replica, sequence: UInt64(number)),
                time: HybridTime(milliseconds: WallTime.now().milliseconds),
                register: .context("thief-\(epoch)-\(number)"),
                source: .named("thief"), value: Array("1".utf8), seen: VersionVector())
        }
        return SyncMessage(
            versions: VersionVector([replica: UInt64(count)]),
            ranges: [.init(replica: replica, since: 0, upTo: UInt64(count), operations: operations)])
    }

    private static func withKin(
        _ body: @Sendable (_ desk: TestNode, _ laptop: TestNode, _ thief: TestNode) async throws -> Void
    ) async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: EchoEngine(), kin: [desk]) { laptop in
                try await TestNode.run("thief", engine: EchoEngine(), kin: [desk]) { thief in
                    while laptop.mesh.trust.standing(of: thief.id) != .kin {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    try await body(desk, laptop, thief)
                }
            }
        }
    }

    private static func link(_ one: TestNode, _ other: TestNode) async throws -> PeerLink {
        try await one.mesh.links.link(to: other.id, at: [try other.peerAddress])
    }

    @Test func `is forgotten by all, with everything that it and those it made up have written`() async throws {
        try await Self.withKin { desk, laptop, thief in
            try await desk.state.write([.context("branch", "main", by: .named("editor"))])
            try await laptop.until { $0.context().count == 1 }
            for node in [desk, laptop] {
                let link = try await Self.link(thief, node)
                for epoch in UInt64(1)...3 {
                    _ = try await link.exchange(
                        Self.flood(500, by: thief.id, epoch: epoch), members: nil, limit: .seconds(10))
                }
            }
            #expect(desk.state.context().count == 1_501)
            let forgotten = try await desk.mesh.forget("thief", wholly: true)
            #expect(forgotten.writes >= 1_500)
            for node in [desk, laptop] {
                while node.state.context().count > 1 || node.mesh.trust.standing(of: thief.id) == .kin {
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(node.state.context().map(\.key) == ["branch"])
                #expect(node.mesh.forgotten().isClean)
                #expect(node.mesh.forgotten().nodes.map(\.id) == [thief.id])
                #expect(node.mesh.stateSync?.shared.authors.keys.contains(thief.id) == false)
            }
            await #expect(throws: (any Error).self) {
                _ = try await Self.link(thief, laptop).exchange(
                    Self.flood(1, by: thief.id), members: nil, limit: .seconds(10))
            }
        }
    }

    @Test func `writes nothing in the name of nodes that nobody admitted`() async throws {
        try await Self.withKin { desk, _, thief in
            let stranger = try NodeIdentity.temporary().id
            let link = try await Self.link(thief, desk)
            let answer = try await link.exchange(
                Self.flood(100, by: stranger), members: nil, limit: .seconds(10))
            #expect(answer.versions.sequences.keys.allSatisfy { $0.node != stranger })
            #expect(desk.state.context().isEmpty)
        }
    }

    @Test func `has no more requests of one kind under way than its share`() throws {
        let shares = PeerShares()
        let (thief, other) = (try NodeIdentity.temporary().id, try NodeIdentity.temporary().id)
        var turns: [PeerShares.Turn?] = []
        for _ in 0..<100 { turns.append(shares.begin(PeerWire.statePath, by: thief)) }
        #expect(turns.compactMap(\.self).count == PeerShares.large)
        #expect(shares.begin(PeerWire.statePath, by: other) != nil)
        #expect(shares.begin(PeerWire.gossipPath, by: thief) != nil)
        turns = []
        #expect(shares.begin(PeerWire.statePath, by: thief) != nil)
        #expect(shares.take(PeerShares.questionBytes, of: thief))
        #expect(!shares.take(1, of: thief))
        #expect(shares.take(1, of: other))
        shares.release(PeerShares.questionBytes, of: thief)
        #expect(shares.take(1, of: thief))
    }

    @Test func `is sent a log that it takes no more of only now and then`() throws {
        var stalls = SyncStalls()
        let replica = Replica(node: try NodeIdentity.temporary().id, epoch: 1)
        let message = Self.flood(3, by: replica.node)
        stalls.asked(message, answer: VersionVector(), now: .zero)
        #expect(stalls.stalled(now: .zero) == [replica])
        #expect(stalls.stalled(now: MonotonicInstant.zero.advanced(by: SyncStalls.pause)).isEmpty)
        stalls.asked(message, answer: VersionVector(), now: .zero)
        stalls.heard(VersionVector([replica: 3]), now: .zero)
        #expect(stalls.stalled(now: .zero).isEmpty)
    }

    @Test func `a question that crosses another, or an answer that is lost, holds nothing back`() throws {
        var stalls = SyncStalls()
        let replica = Replica(node: try NodeIdentity.temporary().id, epoch: 1)
        let message = Self.flood(3, by: replica.node)
        stalls.heard(VersionVector(), now: .zero)
        stalls.asked(message, answer: VersionVector([replica: 3]), now: .zero)
        stalls.sent(message)
        stalls.heard(VersionVector(), now: .zero)
        #expect(stalls.stalled(now: .zero).isEmpty)
        stalls.sent(message)
        stalls.heard(VersionVector(), now: .zero)
        #expect(stalls.stalled(now: .zero) == [replica])
    }
}
