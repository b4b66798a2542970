// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithAIOS
import KithModel
import KithServer
import KithStore
import KithSurfaceTesting
import KithSync
import KithTesting
import KithTransport
import KithTrust
import KithVault
import Logging
import NIOCore
import NIOHTTP1
import Testing

/// A bridge on a free port of this machine.
struct TestBridge: Sendable {
    let address: HTTPAddress
    let store: Store
    let state: any SharedState
    let events: EventHub
    let access: AccessControl
    let client: UpstreamClient

    /// Runs a bridge for as long as `body` does.
    static func run<Result: Sendable>(
        _ upstreams: [HTTPAddress], kin: @escaping @Sendable () -> [KinCell] = { [] }, local: TestCell = TestCell(),
        store: Store? = nil, state shared: (any SharedState)? = nil,
        access: @Sendable (Store) -> AccessControl = { .open($0) },
        registry: (@Sendable () -> [CellInfo])? = nil, discovery: [HTTPAddress] = [],
        vault: @escaping @Sendable () async -> VaultStatusBody = { .unconfigured },
        clock: any TimeSource = MonotonicClock(),
        during body: @Sendable (TestBridge) async throws -> Result
    ) async throws -> Result {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let store = try store ?? Store.inMemory()
        let (events, client) = (EventHub(), UpstreamClient())
        let own = try await SharedStateStore.open(
            store: StoredLog(store), node: NodeIdentity.temporary().id, events: events)
        let state = shared ?? own
        let access = access(store)
        let bridge = BridgeService(
            services: BridgeServices(
                addresses: upstreams, kin: kin, client: client, local: local, state: state, store: store,
                events: events, access: access, vault: vault, registry: registry, discovery: discovery, clock: clock),
            logger: logger)
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let listener = BridgeServer.listener(
            bridge: bridge, address: HTTPAddress(host: "127.0.0.1", port: 0), logger: logger
        ) { announce.yield($0.localAddress?.port ?? 0) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listener.run() }
            group.addTask { await bridge.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let running = TestBridge(
                address: HTTPAddress(host: "127.0.0.1", port: port), store: store, state: state, events: events,
                access: access, client: client)
            let result = try await body(running)
            group.cancelAll()
            return result
        }
    }

    func send(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], _ body: String? = nil
    ) async throws -> TestReply {
        let reply = try await client.collect(
            UpstreamRequest(
                method, address, path: path, headers: headers, body: body.map { ByteBuffer(string: $0) },
                limits: UpstreamLimits(firstByte: .seconds(60))))
        return TestReply(status: reply.status, headers: reply.headers, text: String(buffer: reply.body))
    }

    func health() async throws -> JSONValue { try await send(.GET, "/health").json() }

    /// Until the bridge is in this mode.
    func become(_ mode: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let isSo = try await eventually { try await health()["status"] == .string(mode) }
        try #require(isSo, "the bridge does not become \(mode)", sourceLocation: sourceLocation)
    }

    func assist(_ code: String = "def f(): pass") async throws -> TestReply {
        try await send(.POST, "/code-assist", #"{"code": "\#(code)"}"#)
    }

    func sync(_ level: Double, headers: HTTPHeaders = [:]) async throws -> TestReply {
        try await send(.POST, "/sync-consciousness", headers: headers, #"{"level": \#(level)}"#)
    }
}

/// What answers at a bridge when no cell does.
struct TestCell: CellAnswering {
    func health() -> CellMessage.Health { CellMessage.Health(cellID: "laptop", branch: "main", level: 1.8) }

    func account(of caller: Principal, code: String, limits: CallerLimits) throws -> AssistAccount {
        AssistAccount(grant: try limits.grant(caller), models: [])
    }

    func assist(
        _ request: CellMessage.AssistRequest, until deadline: MonotonicInstant?, account: AssistAccount?
    ) async throws -> CellMessage.AssistAnswer {
        CellMessage.AssistAnswer(
            action: request.action, codeLength: request.code.unicodeScalars.count, contextKeys: [],
            suggestions: ["found here"], level: 1.8)
    }

    func sync(
        _ request: CellMessage.SyncRequest, delivery: DeliveryKey?
    ) async throws(StateRefusal) -> CellMessage.SyncAnswer {
        CellMessage.SyncAnswer(oldLevel: 1.8, newLevel: request.level, contextProcessed: true)
    }

    func answer(toKin request: CellMessage.SyncRequest) throws(StateRefusal) -> CellMessage.SyncAnswer {
        CellMessage.SyncAnswer(oldLevel: 1.8, newLevel: request.level, contextProcessed: true)
    }
}
