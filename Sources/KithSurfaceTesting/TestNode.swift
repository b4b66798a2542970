// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hummingbird
package import KithAPI
import KithDialects
import KithInference
import KithMembership
package import KithModel
package import KithPeers
package import KithServer
package import KithStore
import KithSync
import KithTracing
package import KithTransport
package import KithTrust
import Logging
import NIOCore
package import NIOHTTP1

/// A node with its two listeners on free ports, and the engine that a test gives it.
package struct TestNode: Sendable {
    package let name: NodeName
    package let address: HTTPAddress
    package let services: NodeServices
    package let mesh: PeerMesh
    package let audit: TestAudit
    package let identity: NodeIdentity
    package let upstream: UpstreamClient
    /// Sent with every request.
    package var headers: HTTPHeaders = [:]

    package var id: NodeID { identity.id }

    package var peerAddress: PeerAddress {
        get throws { try found(mesh.identity().addresses.first) }
    }

    /// Runs a node for as long as `body` does.
    ///
    /// - Parameters:
    ///   - kin: Nodes that this one trusts, and that trust it, from the start.
    ///   - clock: The clock by which invitations expire; everything but that and the answers needs one that moves.
    package static func run<Result: Sendable>(
        _ name: String = "node", engine: (any ChatEngine)?, kin: [TestNode] = [], control: (any MeshControl)? = nil,
        access: @Sendable (Store) -> AccessControl = { .open($0) }, tls: SurfaceTLSSource? = nil,
        limits: ConnectionLimits = ConnectionLimits(), peerLimits: ConnectionLimits = PeerListener.limits,
        protocols: ProtocolVersions = .supported, isCell: Bool = false,
        peerRoutes: (NodeServices) -> [any PeerRouteGroup] = { _ in [] }, clock: any TimeSource = MonotonicClock(),
        patience: Duration = QueueWait.ordinary, tools: NodeTools = NodeTools(),
        alerts: (any AlertBoard)? = nil,
        wake: WakeWishes = WakeWishes(), surroundings: Waker.Surroundings = .none,
        during body: @Sendable (TestNode) async throws -> Result
    ) async throws -> Result {
        let name = try found(NodeName(name))
        let upstream = UpstreamClient()
        let seat = EngineSeat(engine.map { LocalEngine(engine: $0, clock: clock) })
        let monitor = EngineMonitor(seat: seat, reason: "the test says so", clock: clock)
        await monitor.refresh()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let audit = TestAudit()
        let store = try Store.inMemory()
        let ports = OpenPorts()
        let identity = try NodeIdentity.temporary()
        let events = EventHub()
        let state = try await SharedStateStore.open(store: StoredLog(store), node: identity.id, events: events)
        let tracer = NodeTracer(clock: clock)
        let logs = LogRing()
        let mesh = try await PeerMesh(
            profile: PeerMesh.Profile(
                name: name, version: "test", protocols: protocols, isCell: isCell, membership: .local, wake: wake,
                surroundings: surroundings
            ) { ports.peerAddresses },
            identity: identity, trust: .open(identity: identity, store: store), engine: monitor,
            seat: seat, state: state, tracer: tracer, clock: clock, audit: audit, logger: logger)
        let dispatcher = Dispatcher(mesh: mesh.directory, clock: clock, patience: patience, tracer: tracer)
        let metrics = NodeMetrics()
        metrics.follow(dispatcher.journal)
        metrics.follow(mesh)
        var gate = access(store)
        gate.keyRequests = metrics.keyRequests
        var services = NodeServices(
            name: name, version: "test", dispatcher: dispatcher, mesh: mesh.directory, engine: monitor,
            store: store, clock: clock, limits: SurfaceLimits(seedBody: 1 << 20, openAIBody: 4 << 20),
            level: { mesh.level },
            access: gate, control: control ?? mesh, state: state, events: events,
            vitals: NodeVitalsCollector(
                engine: monitor, mesh: mesh.directory, state: state, dispatcher: dispatcher),
            metrics: metrics, tools: tools,
            observation: Observation(tracer: tracer, logs: logs, peers: PeerObserver(mesh: mesh)))
        services.alerts = alerts
        let models = NodeModels(node: name, seat: seat, status: monitor, clock: clock, logger: logger) {
            await monitor.refresh()
        }
        let orders = ModelOrders(
            models: models, weights: KinWeights(mesh: mesh),
            office: WeightsOffice(models: models, limit: nil, clock: clock) { false }, audit: audit)
        services.models = ModelFeature(orders: orders, kin: KinModels(mesh: mesh))
        let announcer = EventAnnouncer(services: services, mesh: mesh)
        announcer.begin()
        let surface = NodeServer.listener(
            services: services, address: HTTPAddress(host: "127.0.0.1", port: 0), tls: tls, limits: limits,
            logger: logger
        ) { ports.opened(client: $0.localAddress?.port ?? 0) }
        let work = PeerWork(
            routes: peerRoutes(services) + [
                ObservationRoutes(tracer: tracer, logs: logs), ModelOrderRoutes(orders: orders),
            ],
            sessions: StoredSessions(store: store, logger: logger))
        let listener = mesh.listener(host: "127.0.0.1", port: 0, work: work, limits: peerLimits) {
            ports.opened(peer: $0.localAddress?.port ?? 0)
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await surface.run() }
            group.addTask { try await listener.run() }
            await ports.areOpen()
            group.addTask { await mesh.run { dispatcher.returned($0) } }
            group.addTask { await announcer.run() }
            let node = TestNode(
                name: name, address: HTTPAddress(host: "127.0.0.1", port: ports.client), services: services,
                mesh: mesh, audit: audit, identity: identity, upstream: upstream)
            for other in kin { try await node.trust(other) }
            try await node.awaitKin(kin.count)
            let result = try await body(node)
            group.cancelAll()
            return result
        }
    }

    /// Makes both kin, as if they had been paired.
    package func trust(_ other: TestNode, as tier: Tier = .kin) async throws {
        try await mesh.trust.admit(
            other.id, as: tier, name: other.name, addresses: other.mesh.identity().addresses, at: .now())
        try await other.mesh.trust.admit(id, as: tier, name: name, addresses: mesh.identity().addresses, at: .now())
    }

    /// Waits until so many kin are up and their models are known.
    package func awaitKin(_ count: Int) async throws {
        while services.mesh.peers().count(where: { $0.state == .up && !$0.models.isEmpty }) < count {
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    package func send(
        _ method: HTTPMethod = .POST, _ path: String, headers: HTTPHeaders = [:], _ body: String? = nil
    ) async throws -> TestReply {
        let reply = try await upstream.collect(
            UpstreamRequest(
                method, address, path: path, headers: self.headers.merged(with: headers),
                body: body.map { ByteBuffer(string: $0) },
                limits: UpstreamLimits(firstByte: .seconds(30))))
        return TestReply(status: reply.status, headers: reply.headers, text: String(buffer: reply.body))
    }
}

extension Waker.Surroundings {
    /// Of a machine without a network: tests send nothing into that of the machine that they run on.
    package static let none = Waker.Surroundings(survey: { [] }, send: { _ in false })
}

extension HTTPHeaders {
    fileprivate func merged(with others: HTTPHeaders) -> HTTPHeaders {
        var all = self
        for (name, value) in others { all.replaceOrAdd(name: name, value: value) }
        return all
    }
}

package struct TestReply: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var text: String

    package init(status: Int, headers: HTTPHeaders, text: String) {
        self.status = status
        self.headers = headers
        self.text = text
    }

    package func decode<Value: Decodable>(_ type: Value.Type = JSONValue.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    package func json() throws -> JSONValue { try decode(JSONValue.self) }
}

extension TestNode {
    package var state: any SharedState { services.state }

    /// Waits until the state is as wanted; the test's time limit ends the wait.
    package func until(_ isWanted: (any SharedState) -> Bool) async throws {
        while !isWanted(state) { try await Task.sleep(for: .milliseconds(5)) }
    }
}

/// Something that a test needs is missing.
struct Missing: Error {}

func found<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
}
