// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithAIOS
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithServer
import KithSurfaceTesting
import KithTesting
import KithTrust
import NIOHTTP1
import NIOSSL
import Testing

@Suite("The peer port refuses what it must", .timeLimit(.minutes(3)))
struct PeerPortSecurityTests {
    /// Runs a node with one kin, which must still be answered after `body`.
    private func withNode(
        limits: ConnectionLimits = PeerListener.limits,
        _ body: @Sendable (TestNode, PeerVisitor) async throws -> Void
    ) async throws {
        try await TestNode.run(
            "desk", engine: EchoEngine(), peerLimits: limits, peerRoutes: { _ in [CellPeerRoutes(cell: nil)] }
        ) { node in
            let kin = try await node.newKin()
            try await body(node, kin)
            try await node.expectAnswer(for: kin)
        }
    }

    private func expectRefusal(_ reason: PeerRefusal.Reason, _ reply: (status: Int, text: String)) throws {
        #expect(reply.status == 403)
        #expect(try JSONBody.decode(PeerRefusal.self, from: Array(reply.text.utf8)).refused == reason)
    }

    // MARK: Handshakes

    enum BadHandshake: CaseIterable {
        case noCertificate, rsa, p384, tls12, noProtocol, http1

        func visitor() throws -> PeerVisitor {
            var visitor = try PeerVisitor(.temporary())
            switch self {
            case .noCertificate: return PeerVisitor()
            case .rsa: return try .rsa()
            case .p384: return try .p384()
            case .tls12: visitor.configuration.maximumTLSVersion = .tlsv12
            case .noProtocol: visitor.configuration.applicationProtocols = []
            case .http1: visitor.configuration.applicationProtocols = ["http/1.1"]
            }
            return visitor
        }

        var reasons: Set<String> {
            switch self {
            case .noCertificate: ["no certificate"]
            // The node names the signatures that it takes, and the client finds that it has none of them.
            case .rsa, .p384: ["the other side refused"]
            case .tls12: ["an older TLS than 1.3"]
            case .noProtocol, .http1: ["HTTP/2 was not offered"]
            }
        }
    }

    @Test(
        "A handshake that is not as it must be ends the connection, and is one line", arguments: BadHandshake.allCases)
    func badHandshakes(bad: BadHandshake) async throws {
        try await withNode { node, kin in
            let answer = try await bad.visitor().shout(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), at: node)
            #expect(answer.isEmpty)
            #expect(await eventually { !node.refusals.isEmpty })
            try await node.expectAnswer(for: kin)
            #expect(node.refusals.map(\.kind) == [.handshakeRefused])
            #expect(bad.reasons.contains(node.refusals.first?.reason ?? ""))
            #expect(node.refusals.first?.source == "127.0.0.1")
        }
    }

    @Test(
        "What is not TLS is refused, and is one line",
        arguments: [
            "GET /peer/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "SSH-2.0-OpenSSH_9.2\r\n",
        ])
    func plaintext(bytes: String) async throws {
        try await withNode { node, kin in
            let answer = try await RawConnection.open(port: node.peerAddress.port) { connection in
                try await connection.send(bytes)
                return await connection.readToEnd()
            }
            #expect(!answer.contains("HTTP"))
            #expect(await eventually { !node.refusals.isEmpty })
            try await node.expectAnswer(for: kin)
            #expect(node.refusals.map(\.kind) == [.handshakeRefused])
        }
    }

    @Test("A handshake that never ends is cut off, and is one line")
    func unfinished() async throws {
        var limits = PeerListener.limits
        limits.handshake = .milliseconds(200)
        try await withNode(limits: limits) { node, kin in
            let answer = try await RawConnection.open(port: node.peerAddress.port) { connection in
                try await connection.send([0x16, 0x03, 0x01])
                return await connection.readToEnd()
            }
            #expect(answer.isEmpty)
            #expect(await eventually { !node.refusals.isEmpty })
            #expect(node.refusals.map(\.reason) == ["handshakes not finished"])
        }
    }

    @Test("Who only looks whether the port is open is not written down")
    func look() async throws {
        try await withNode { node, kin in
            try await RawConnection.open(port: node.peerAddress.port) { _ in }
            try await node.expectAnswer(for: kin)
            _ = try await RawConnection.open(port: node.peerAddress.port) { connection in
                try await connection.send([0x16])
            }
            #expect(await eventually { !node.refusals.isEmpty })
            #expect(node.refusals.map(\.kind) == [.handshakeRefused])
        }
    }

    // MARK: Who asks for what

    @Test("A stranger can reach nothing but pairing")
    func stranger() async throws {
        let identity = try NodeIdentity.temporary()
        let stranger = try PeerVisitor(identity)
        try await withNode { node, _ in
            for (count, asked) in PeerPath.all.enumerated() {
                try expectRefusal(.stranger, try await stranger.send(asked.method, asked.path, "{}", to: node))
                #expect(node.refusals.count == count + 1)
            }
            #expect(node.refusals.allSatisfy { $0.kind == .peerRefused && $0.reason == "stranger" })
            #expect(node.refusals.allSatisfy { $0.subject == identity.id.description })
            for path in [PeerWire.pairingHelloPath, PeerWire.pairingProofPath] {
                #expect(try await stranger.send(.post, path, "{}", to: node).status == 400)
            }
            #expect([403, 404].contains(try await stranger.send(.get, "/api/status", to: node).status))
        }
    }

    @Test("A forgotten kin is cut off at once and refused from then on")
    func forgotten() async throws {
        let identity = try NodeIdentity.temporary()
        let visitor = try PeerVisitor(identity)
        try await withNode { node, _ in
            try await node.mesh.trust.admit(identity.id, as: .kin, name: nil, addresses: [], at: .now())
            try await visitor.visit(node) { connection in
                #expect(try await connection.send(.get, PeerWire.modelsPath).status == 200)
                _ = try await node.mesh.forget(identity.id.description)
                #expect(await eventually { !connection.isOpen })
            }
            for asked in PeerPath.all {
                try expectRefusal(.forgotten, try await visitor.send(asked.method, asked.path, "{}", to: node))
            }
            #expect(node.audit.count(.peerRefused) == PeerPath.all.count)
            #expect(node.audit.count(.peerForgotten) == 1)
            #expect(node.refusals.allSatisfy { $0.reason == "forgotten" && $0.subject == identity.id.description })
        }
    }

    @Test("A kith is greeted, and refused what is for kin")
    func kith() async throws {
        let identity = try NodeIdentity.temporary()
        let visitor = try PeerVisitor(identity)
        try await withNode { node, _ in
            try await node.mesh.trust.admit(identity.id, as: .kith, name: nil, addresses: [], at: .now())
            #expect(try await visitor.send(.post, PeerWire.helloPath, try Self.hello(), to: node).status == 200)
            for (count, asked) in PeerPath.kinOnly.enumerated() {
                try expectRefusal(.kinOnly, try await visitor.send(asked.method, asked.path, "{}", to: node))
                #expect(node.refusals.count == count + 1)
            }
            #expect(node.refusals.allSatisfy { $0.kind == .peerRefused && $0.reason == "kin_only" })
        }
    }

    @Test("A copy of the node's own identity is refused everywhere, told of, and shown")
    func ownIdentity() async throws {
        try await withNode { node, _ in
            #expect(!node.mesh.identity().isCloned)
            let copy = try PeerVisitor(node.identity)
            for asked in PeerPath.all + [(.post, PeerWire.pairingHelloPath)] {
                try expectRefusal(.sameIdentity, try await copy.send(asked.method, asked.path, "{}", to: node))
            }
            #expect(node.refusals.map(\.kind) == (PeerPath.all + [(.post, "")]).map { _ in .identityCloned })
            #expect(node.mesh.identity().isCloned)
            #expect(try await node.send(.GET, "/api/identity").json()["cloned"] == true)
        }
    }

    // MARK: Too much

    @Test("A list of headers without measure ends the connection, and is one line")
    func manyHeaders() async throws {
        try await withNode { node, kin in
            let headers: HTTPFields = [.userAgent: String(repeating: "x", count: 40 << 10)]
            let status = try? await kin.visit(node) {
                try await $0.send(.get, PeerWire.modelsPath, headers: headers).status
            }
            #expect(status != 200)
            #expect(await eventually { !node.refusals.isEmpty })
            try await node.expectAnswer(for: kin)
            #expect(node.refusals.map(\.kind) == [.peerRefused])
            #expect(node.refusals.first?.reason == "rules of HTTP/2 broken")
        }
    }

    @Test("A frame that is too large ends the connection, and is one line")
    func largeFrame() async throws {
        try await withNode { node, kin in
            let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
            let data: [UInt8] = [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1]
            let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + settings + data
            _ = try await kin.shout(bytes + [UInt8](repeating: 0, count: 1 << 10), at: node)
            #expect(await eventually { !node.refusals.isEmpty })
            try await node.expectAnswer(for: kin)
            #expect(node.refusals.map(\.reason) == ["rules of HTTP/2 broken"])
        }
    }

    @Test(
        "A body that is too large is refused, and is one line",
        arguments: [
            (PeerWire.gossipPath, 65_537), (PeerWire.helloPath, 16_385), (PeerWire.operationsPath, 4_194_305),
            (PeerWire.sessionsPath, 4_194_305),
        ])
    func largeBody(path: String, length: Int) async throws {
        try await withNode { node, kin in
            let body = String(repeating: "x", count: length)
            let status = try await kin.send(.post, path, body, to: node).status
            #expect(status == 413)
            #expect(node.refusals.map(\.kind) == [.peerRefused])
            #expect(node.refusals.first?.reason == "too large")
        }
    }

    @Test("Spoilt bodies are refused and do no harm", arguments: [11, 12] as [UInt64])
    func spoiltBodies(seed: UInt64) async throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let hello = Array(try Self.hello().utf8)
        let bodies = (0..<30).map { _ in String(decoding: Mutations.spoil(hello, using: &generator), as: UTF8.self) }
        try await withNode { node, kin in
            try await kin.visit(node) { connection in
                for body in bodies {
                    for asked in PeerPath.all where asked.method == .post {
                        let reply = try await connection.send(asked.method, asked.path, body)
                        // A spoilt greeting may name versions that have none in common, which holds until the next.
                        if reply.status == 403, reply.text.contains(#""refused":"incompatible""#) {
                            let again = try await connection.send(.post, PeerWire.helloPath, Self.hello())
                            #expect(again.status == 200)
                            continue
                        }
                        // 404 for what needs a role that this node does not have.
                        #expect([200, 204, 400, 404, 422].contains(reply.status), "\(asked.path) \(body)")
                    }
                }
                #expect(try await connection.send(.post, PeerWire.helloPath, Self.hello()).status == 200)
            }
        }
    }

    static func hello(_ protocols: ProtocolVersions = .supported) throws -> String {
        let name = try #require(NodeName("visitor"))
        let hello = PeerHello(
            name: name, version: "test", protocols: protocols, instance: InstanceID(startedAt: .now(), salt: 1),
            addresses: [])
        return String(decoding: try JSONBody.encode(hello), as: UTF8.self)
    }
}

extension TestNode {
    /// Asks as a kin does whether the node still answers.
    func expectAnswer(for kin: PeerVisitor) async throws {
        let request = try KinQuestion.encode(ChatRequest(messages: [ChatMessage(.user, "alive")]))
        let reply = try await kin.send(
            .post, PeerWire.generatePath, String(decoding: request, as: UTF8.self), to: self)
        #expect(reply.status == 200)
        #expect(reply.text.contains("alive"))
    }
}
