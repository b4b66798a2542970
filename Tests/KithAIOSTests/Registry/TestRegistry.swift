// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hummingbird
import KithAIOS
import KithModel
import KithServer
import KithSurfaceTesting
import KithTesting
import KithTransport
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// A discovery service on a free port of this machine.
struct TestRegistry: Sendable {
    let address: HTTPAddress
    let service: RegistryService
    let clock: ManualClock
    let upstream: UpstreamClient

    /// Runs a service for as long as `body` does.
    static func run<Result: Sendable>(
        storage: (any RegistryStorage)? = nil, authorise: @escaping RegistryAccess.Rule = RegistryAccess.loopbackOnly,
        during body: @Sendable (TestRegistry) async throws -> Result
    ) async throws -> Result {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let clock = ManualClock()
        let service = RegistryService(storage: storage, clock: clock, logger: logger)
        await service.restore()
        let identity = RegistryIdentity(host: "AIOS") {
            CellInfo(
                cellID: "discovery", ip: "127.0.0.1", port: 8001, level: 2.5, services: ["discovery"],
                type: "discovery", hostname: "aios.local")
        }
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let listener = RegistryServer.listener(
            registry: service, identity: identity, address: HTTPAddress(host: "127.0.0.1", port: 0),
            authorise: authorise, logger: logger
        ) { channel in announce.yield(channel.localAddress?.port ?? 0) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listener.run() }
            group.addTask { await service.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let registry = TestRegistry(
                address: HTTPAddress(host: "127.0.0.1", port: port), service: service, clock: clock,
                upstream: UpstreamClient())
            let result = try await body(registry)
            group.cancelAll()
            return result
        }
    }

    func send(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], _ body: String? = nil
    ) async throws -> TestReply {
        let reply = try await upstream.collect(
            UpstreamRequest(
                method, address, path: path, headers: headers, body: body.map { ByteBuffer(string: $0) }))
        return TestReply(status: reply.status, headers: reply.headers, text: String(buffer: reply.body))
    }

    /// Asks and expects an answer that is the same JSON.
    func expect(
        _ method: HTTPMethod, _ path: String, body: String? = nil, status: Int = 200, _ answer: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let reply = try await send(method, path, body)
        let wanted = try JSONDecoder().decode(JSONValue.self, from: Data(answer.utf8))
        #expect(reply.status == status, sourceLocation: sourceLocation)
        #expect(try reply.json() == wanted, sourceLocation: sourceLocation)
    }
}

/// Keeps a registry's bytes in memory, and fails when it is told to.
final class MemoryStorage: RegistryStorage {
    struct Failure: Error {}

    private let state = Mutex<(bytes: [UInt8]?, saves: Int, fails: Bool)>((nil, 0, false))

    init(_ bytes: [UInt8]? = nil) { state.withLock { $0.bytes = bytes } }

    var bytes: [UInt8]? { state.withLock { $0.bytes } }
    var saves: Int { state.withLock { $0.saves } }

    func fail(_ fails: Bool) { state.withLock { $0.fails = fails } }

    func load() async throws -> [UInt8]? { bytes }

    func save(_ bytes: [UInt8]) async throws {
        try state.withLock { state in
            state.saves += 1
            if state.fails { throw Failure() }
            state.bytes = bytes
        }
    }
}
