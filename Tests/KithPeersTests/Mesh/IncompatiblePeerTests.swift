// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithAIOS
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithSurfaceTesting
import KithTesting
import KithTrust
import NIOHTTP1
import Testing

@Suite("Nodes of other versions", .timeLimit(.minutes(2)))
struct IncompatiblePeerTests {
    private static let newer = ProtocolVersions(lowest: 2, highest: 2)

    @Test("Two nodes without a common version show each other as incompatible with both versions, and not as dead")
    func shown() async throws {
        try await TestNode.run("old", engine: EchoEngine()) { old in
            try await TestNode.run("new", engine: EchoEngine(), protocols: Self.newer) { new in
                try await old.trust(new)
                for (node, versions) in [(old, "theirs 2, ours 1"), (new, "theirs 1, ours 2")] {
                    #expect(
                        await eventually { node.mesh.directory.peers().first?.state.versions == versions },
                        "\(node.name)")
                    let status = try await node.send(.GET, "/api/status").decode(NodeStatus.self)
                    #expect(status.peers.map(\.state) == ["incompatible"])
                    #expect(status.peers.first?.versions == versions)
                    #expect(status.peers.first?.reason?.contains("update the older one") == true)
                }
            }
        }
    }

    @Test("A node whose last greeting named no common version is refused until it says another")
    func refused() async throws {
        try await TestNode.run(
            "desk", engine: EchoEngine(), peerRoutes: { _ in [CellPeerRoutes(cell: nil)] }
        ) { desk in
            let identity = try NodeIdentity.temporary()
            let visitor = try PeerVisitor(identity)
            try await desk.mesh.trust.admit(identity.id, as: .kin, name: nil, addresses: [], at: .now())
            let (newer, same) = (try PeerPortSecurityTests.hello(Self.newer), try PeerPortSecurityTests.hello())
            #expect(try await visitor.send(.post, PeerWire.helloPath, newer, to: desk).status == 200)
            for asked in PeerPath.kinOnly {
                let reply = try await visitor.send(asked.method, asked.path, "{}", to: desk)
                #expect(reply.status == 403)
                #expect(reply.text.contains("incompatible"))
            }
            #expect(desk.refusals.count == PeerPath.kinOnly.count)
            #expect(desk.refusals.allSatisfy { $0.kind == .peerRefused && $0.reason == "incompatible" })
            desk.mesh.directory.refresh()
            #expect(desk.mesh.directory.peers().first?.state.versions == "theirs 2, ours 1")
            #expect(try await visitor.send(.post, PeerWire.helloPath, same, to: desk).status == 200)
            try await desk.expectAnswer(for: visitor)
            desk.mesh.directory.refresh()
            #expect(desk.mesh.directory.peers().first?.state.versions == nil)
        }
    }
}
