// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hummingbird
import KithHTTP
import KithInference
import KithModel
import KithStore
import KithTransport
import KithTrust
import Logging
import NIOCore
import NIOHTTP1
import Testing

/// A node's listener on a free port, with the engine that a test gives it.
struct TestNode: Sendable {
    let name: NodeName
    let address: HTTPAddress
    let services: NodeServices
    let upstream: UpstreamClient

    static let meshKey = Secret("a mesh key for tests")

    /// Runs a node for as long as `body` does.
    static func run<Result: Sendable>(
        _ name: String = "node", engine: (any ChatEngine)?, kin: [HTTPAddress] = [],
        meshKey: Secret? = TestNode.meshKey,
        access: @Sendable (Store) -> AccessControl = { .open($0) }, tls: SurfaceTLSSource? = nil,
        limits: ConnectionLimits = ConnectionLimits(), during body: @Sendable (TestNode) async throws -> Result
    ) async throws -> Result {
        let clock = MonotonicClock()
        let name = try #require(NodeName(name))
        let upstream = UpstreamClient()
        let local = engine.map { LocalEngine(engine: $0, clock: clock) }
        let monitor = EngineMonitor(local: local, reason: "the test says so", clock: clock)
        await monitor.refresh()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let mesh = PeerDirectory(
            ownName: name, level: 1, engine: monitor, localEngine: local,
            endpoints: kin.map { PeerEndpoint(address: $0, tier: .kin) }, meshKey: meshKey, upstream: upstream,
            clock: clock, logger: logger)
        let dispatcher = Dispatcher(mesh: mesh, clock: clock)
        let store = try Store.inMemory()
        let services = NodeServices(
            name: name, version: "test", dispatcher: dispatcher, mesh: mesh, engine: monitor,
            store: store, clock: clock, limits: SurfaceLimits(seedBody: 1 << 20, openAIBody: 4 << 20),
            meshKey: meshKey, level: 1, access: access(store))
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let application = NodeServer.application(
            services: services, localEngine: local, address: HTTPAddress(host: "127.0.0.1", port: 0), tls: tls,
            limits: limits, logger: logger
        ) { channel in announce.yield(channel.localAddress?.port ?? 0) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            group.addTask { await mesh.run { dispatcher.returned($0) } }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let node = TestNode(
                name: name, address: HTTPAddress(host: "127.0.0.1", port: port), services: services,
                upstream: upstream)
            try await node.waitForKin(kin.count)
            let result = try await body(node)
            group.cancelAll()
            return result
        }
    }

    /// Until every kin has been heard of.
    private func waitForKin(_ count: Int) async throws {
        while services.mesh.snapshots().count(where: { $0.reachability == .up && !$0.isSelf }) < count {
            await Task.yield()
        }
    }

    func send(
        _ method: HTTPMethod = .POST, _ path: String, headers: HTTPHeaders = [:], _ body: String? = nil
    ) async throws -> TestReply {
        let reply = try await upstream.collect(
            UpstreamRequest(
                method, address, path: path, headers: headers, body: body.map { ByteBuffer(string: $0) },
                limits: UpstreamLimits(firstByte: .seconds(30))))
        return TestReply(status: reply.status, headers: reply.headers, text: String(buffer: reply.body))
    }
}

struct TestReply: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var text: String

    func decode<Value: Decodable>(_ type: Value.Type = JSONValue.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    func json() throws -> JSONValue { try decode(JSONValue.self) }
}
