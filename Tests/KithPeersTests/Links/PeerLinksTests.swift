// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import KithTransport
import KithTrust
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing
@testable import KithPeers

@Suite("Connections to other nodes", .timeLimit(.minutes(2)))
struct PeerLinksTests {
    /// A kin of the node that has nothing but its links.
    private func withLinks(
        to node: TestNode, own: NodeID? = nil, limit: Duration = PeerLinks.limit,
        _ body: @Sendable (PeerLinks) async throws -> Void
    ) async throws {
        let identity = try NodeIdentity.temporary()
        try await node.mesh.trust.admit(identity.id, as: .kin, name: nil, addresses: [], at: .now())
        let hello = PeerHello(
            name: try #require(NodeName("links")), version: "test", instance: InstanceID(startedAt: .now(), salt: 1),
            addresses: [])
        let links = PeerLinks(
            own: own ?? identity.id, tls: try PeerTLS(identity: identity),
            group: MultiThreadedEventLoopGroup.singleton, clock: MonotonicClock(), hello: { hello }, limit: limit,
            onLost: { _ in })
        defer { links.shutDown() }
        try await body(links)
    }

    private func failure(_ links: PeerLinks, _ id: NodeID, at addresses: [PeerAddress]) async -> LinkError? {
        do {
            _ = try await links.link(to: id, at: addresses)
            return nil
        } catch {
            return error as? LinkError
        }
    }

    // MARK: One connection

    @Test("Many callers at once share one connection, and those who come later too")
    func shared() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            try await withLinks(to: desk) { links in
                let address = try desk.peerAddress
                let connections = try await withThrowingTaskGroup(of: MultiplexedConnection.self) { group in
                    for _ in 0..<8 {
                        group.addTask { try await links.link(to: desk.id, at: [address]).connection }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let later = try await links.link(to: desk.id, at: [address]).connection
                #expect(connections.allSatisfy { $0 === later })
                #expect(links.current(desk.id)?.connection === later)
            }
        }
    }

    @Test("A connection that was dropped while it was made is made anew, once")
    func droppedMeanwhile() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            try await withLinks(to: desk) { links in
                let address = try desk.peerAddress
                for _ in 0..<20 {
                    async let lost = failure(links, desk.id, at: [address])
                    links.drop(desk.id)
                    async let first = links.link(to: desk.id, at: [address]).connection
                    async let second = links.link(to: desk.id, at: [address]).connection
                    _ = await lost
                    let both = try await (first, second)
                    #expect(both.0 === both.1)
                    links.drop(desk.id)
                }
            }
        }
    }

    // MARK: What goes wrong

    @Test("A node that answers where another is looked for is named")
    func wrongNode() async throws {
        let wanted = try NodeIdentity.temporary().id
        try await TestNode.run("desk", engine: nil) { desk in
            try await withLinks(to: desk) { links in
                let address = try desk.peerAddress
                #expect(await failure(links, wanted, at: [address]) == .wrongNode(desk.id))
            }
        }
    }

    @Test("An address that leads back to the node itself is none of another node, and accuses nobody")
    func leadsBack() async throws {
        let wanted = try NodeIdentity.temporary().id
        try await TestNode.run("desk", engine: nil) { desk in
            try await withLinks(to: desk, own: desk.id) { links in
                let address = try desk.peerAddress
                #expect(await failure(links, wanted, at: [address]) == .leadsBack(address))
                let nobody = try #require(PeerAddress(host: "127.0.0.1", port: 1))
                #expect(await failure(links, wanted, at: [address, nobody]) == .refused, "what others say tells more")
            }
        }
    }

    @Test("Nobody there, no way there, no answer and no address are told apart")
    func toldApart() async throws {
        let id = try NodeIdentity.temporary().id
        try await TestNode.run("desk", engine: nil) { desk in
            try await withLinks(to: desk) { links in
                let closed = try await SilentListener.nobody()
                #expect(await failure(links, id, at: [closed]) == .refused)
                #expect(await failure(links, id, at: []) == .noAddress)
                // No host answers for everybody, so that the kernel finds no way there.
                let nowhere = try #require(PeerAddress(host: "255.255.255.255", port: 7443))
                guard case .unreachable? = await failure(links, id, at: [nowhere]) else {
                    Issue.record("there should be no way there")
                    return
                }
                try await SilentListener.run { silent in
                    #expect(await failure(links, id, at: [silent.address]) == .timeout)
                    #expect(await failure(links, id, at: [closed, silent.address]) == .timeout)
                }
            }
        }
    }

    @Test("A node that does not know the caller says so")
    func rejected() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            try await withLinks(to: desk) { links in
                let kin = desk.mesh.trust.kin
                for id in kin { try await desk.mesh.trust.forget(id, at: .now()) }
                let rejection = await failure(links, desk.id, at: [try desk.peerAddress])
                #expect(rejection == .rejected(PeerRefusal(.forgotten)))
            }
        }
    }

    @Test("Among dead addresses the live one is found without waiting for the others")
    func race() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            // Who waited for a dead one would wait for longer than the suite may take.
            try await withLinks(to: desk, limit: .seconds(3_600)) { links in
                let closed = try await SilentListener.nobody()
                try await SilentListener.run { silent in
                    let link = try await links.link(
                        to: desk.id, at: [silent.address, closed, silent.address, try desk.peerAddress])
                    #expect(link.address == (try desk.peerAddress))
                }
            }
        }
    }

    // MARK: What runs on a connection

    /// A node whose engine says a word whenever the clock is moved.
    private func withSlowNode(_ body: @Sendable (TestNode, ManualClock) async throws -> Void) async throws {
        let clock = ManualClock()
        let setup = TestEngineSetup(settings: TestEngineSettings(tokensPerSecond: 1), clock: clock)
        try await TestNode.run("desk", engine: EchoEngine(setup: setup)) { try await body($0, clock) }
    }

    private func ask(_ link: PeerLink) async throws -> UpstreamBody {
        let body = try KinQuestion.encode(ChatRequest(messages: [ChatMessage(.user, "one two three")]))
        let response = try await link.connection.stream(
            link.request(
                .POST, PeerWire.generatePath, body: ByteBuffer(bytes: body),
                limits: UpstreamLimits(firstByte: .seconds(30))))
        #expect(response.status == 200)
        return response.body
    }

    /// Reads to the end, and moves the engine's clock all the while.
    private func readOut(_ body: UpstreamBody, _ clock: ManualClock) async throws -> String {
        try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { String(buffer: try await body.collect(upTo: 1 << 20)) }
            group.addTask {
                while !Task.isCancelled {
                    clock.advance(by: .seconds(1))
                    await Task.yield()
                }
                return nil
            }
            let text = try await group.next() ?? nil
            group.cancelAll()
            return text ?? ""
        }
    }

    @Test(
        "Dropping a node ends what runs there with an error, on distrusted connections too", arguments: [false, true])
    func dropped(isDistrusted: Bool) async throws {
        try await withSlowNode { desk, clock in
            try await withLinks(to: desk) { links in
                let link = try await links.link(to: desk.id, at: [try desk.peerAddress])
                let body = try await ask(link)
                if isDistrusted { links.distrust(link) }
                links.drop(desk.id)
                await #expect(throws: ChatError.self) { _ = try await body.collect(upTo: 1 << 20) }
                #expect(links.current(desk.id) == nil)
            }
        }
    }

    @Test("A distrusted connection is replaced, and what runs on it goes on")
    func distrusted() async throws {
        try await withSlowNode { desk, clock in
            try await withLinks(to: desk) { links in
                let old = try await links.link(to: desk.id, at: [try desk.peerAddress])
                let body = try await ask(old)
                links.distrust(old)
                #expect(links.current(desk.id) == nil)
                let new = try await links.link(to: desk.id, at: [try desk.peerAddress])
                #expect(new.connection !== old.connection)
                #expect(try await readOut(body, clock).contains("three"))
                #expect(links.current(desk.id)?.connection === new.connection)
            }
        }
    }
}
