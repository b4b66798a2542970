// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithInference
import KithModel
import KithPeers
import KithSurfaceTesting
import KithTrust
import Testing

@Suite(.timeLimit(.minutes(2))) struct PeerRatesTests {
    private func visitor(_ tier: Tier, of node: TestNode) async throws -> PeerVisitor {
        let identity = try NodeIdentity.temporary()
        try await node.mesh.trust.admit(identity.id, as: tier, name: nil, addresses: [], at: .now())
        return try PeerVisitor(identity)
    }

    /// The answers to so many requests, or to fewer when one is told to wait.
    private func statuses(_ count: Int, from visitor: PeerVisitor, to node: TestNode) async throws -> [Int] {
        try await visitor.visit(node) { connection in
            var statuses: [Int] = []
            while statuses.count < count, statuses.last != 429 {
                statuses.append(try await connection.send(.post, PeerWire.helloPath, "{}").status)
            }
            return statuses
        }
    }

    @Test func `a friend's node that asks without end is told to wait, and another friend and kin are not`()
        async throws
    {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            // While they are asked, ten more a second may be.
            let flood = try await statuses(6_000, from: try await visitor(.kith, of: desk), to: desk)
            #expect(flood.count > 600)
            #expect(flood.last == 429)
            #expect(try await statuses(1, from: try await visitor(.kith, of: desk), to: desk) != [429])
            let kin = try await statuses(610, from: try await visitor(.kin, of: desk), to: desk)
            #expect(!kin.contains(429))
        }
    }
}
