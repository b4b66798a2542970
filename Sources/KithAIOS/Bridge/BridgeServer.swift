// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
import KithDialects
package import KithModel
package import KithServer
package import KithTrust
import KithVault
package import Logging
package import NIOCore

/// The bridge role's listener.
package enum BridgeServer {
    /// - Parameters:
    ///   - bridge: Runs alongside the listener.
    ///   - gate: Which connections are kept; by default all that there is room for.
    ///   - counts: Whether requests are counted.
    ///   - onListening: Called with the channel when the port is open.
    package static func listener(
        bridge: BridgeService, address: HTTPAddress, tls: SurfaceTLSSource? = nil,
        limits: ConnectionLimits = ConnectionLimits(), gate: ConnectionGate? = nil, counts: Bool = true, logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) -> HTTPListener<RouterResponder<NodeRequestContext>> {
        let gate = gate ?? ConnectionGate(places: limits.connections)
        let router = SurfaceRouter(context: NodeRequestContext.self)
        router.add(middleware: SecuringResponses())
        let metrics = ListenerMetrics(role: "bridge", counts: counts)
        router.add(middleware: RequestNaming())
        router.add(
            middleware: CrossOrigin(
                methods: "GET, POST, OPTIONS",
                fields: "Content-Type, Authorization, X-API-Key, api-key, Idempotency-Key",
                mayRead: PageOrigin.isAllowed))
        metrics.meter(router)
        router.addMiddleware {
            ErrorRendering.fastAPI
            AccessMiddleware(access: bridge.services.access, gate: gate)
            OriginMiddleware(access: bridge.services.access, allowed: PageOrigin.isAllowed)
            Expectations()
        }
        BridgeRoutes(bridge: bridge, metrics: metrics).add(to: router)
        return HTTPListener(
            responder: router.buildResponder(), address: address, limits: limits, errors: .detail, tls: tls,
            gate: gate, logger: logger, onListening: onListening)
    }
}

/// What editors and the seeds' clients ask a bridge.
struct BridgeRoutes: Sendable {
    let bridge: BridgeService
    let metrics: ListenerMetrics

    func add(to router: SurfaceRouter) {
        router.surface("/health", scope: .read, [.get: { _, _ in try .json(bridge.health()) }])
        router.surface("/code-assist", scope: .assist, [.post: { try await assist($0, $1) }])
        router.surface("/sync-consciousness", scope: .sync, [.post: { request, _ in try await sync(request) }])
        router.surface("/vault-status", scope: .read, [.get: { _, _ in try .json(try await vaultStatus()) }])
        router.surface("/network-peers", scope: .read, [.get: { _, _ in try .json(bridge.peers()) }])
        router.surface("/events", scope: .read, [.get: { _, context in try events(context) }])
        router.surface(
            "/metrics", scope: .read,
            [.get: { request, _ in await metrics.response(to: request, with: bridge.metrics()) }])
    }

    private func assist(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let deadline = try request.headers.deadline(now: bridge.services.clock.now)
        let asked = try CellMessage.AssistRequest(body: try await request.detailBody(upTo: BridgeLimits.assistBody))
        do {
            // What a cell's engine reads and makes for it is the cell's to count; what this node's does, this one's.
            let account = try bridge.services.local.account(
                of: try context.caller.get(), code: asked.code, limits: bridge.services.access.limits)
            let answer = try await bridge.assist(asked, until: deadline, account: account)
            return try .json(answer.body, headers: .route(answer.route))
        } catch let failure as ChatError {
            if let unusable = UnusableBody(failure, in: asked) { throw unusable }
            throw failure
        }
    }

    private func sync(_ request: Request) async throws -> Response {
        let key = try request.headers.deliveryKey()
        let said = try ForwardedSync(bridged: try await request.detailBody(upTo: BridgeLimits.syncBody))
        switch try await bridge.sync(said, key: key) {
        case .delivered(let answer): return try .json(answer)
        case .kept(let old, let new):
            return try .json(KeptSyncBody(old_level: old, new_level: new), status: .accepted)
        }
    }

    private func vaultStatus() async throws -> VaultStatusBody {
        do {
            return try await abandonAfter(BridgeLimits.vault, clock: bridge.services.clock) {
                await bridge.services.vault()
            }
        } catch is DeadlineExceeded {
            return VaultStatusBody(.unreachable(.timeout))
        }
    }

    /// The changes of the mode, beginning with the one that the bridge is in.
    private func events(_ context: NodeRequestContext) throws -> Response {
        guard let events = bridge.services.events.follow([.bridge], as: context.eventParty) else {
            throw FastAPIRefusal(
                status: .serviceUnavailable, message: "as many follow the events already as may",
                headers: [.retryAfter: "5"])
        }
        let writer = EventStreamWriter(events: events, clock: bridge.services.clock)
        return .eventStream { body in
            try await body.write(ByteBuffer(bytes: try EventLine.bytes(bridge.currentMode)))
            try await writer.write(to: &body)
        }
    }
}

/// The answer to a level and a context that are kept until there is a cell.
private struct KeptSyncBody: Encodable {
    var old_level: Double
    var new_level: Double
    var context_processed = true
    var queued = true
    var status = "degraded"
}

extension ForwardedSync {
    /// Reads the body of `POST /sync-consciousness`.
    ///
    /// - Throws: ``UnusableBody`` with everything that is wrong.
    init(bridged body: JSONValue) throws(UnusableBody) {
        let said = try CellMessage.SyncRequest(body: body)
        guard CellInfo.levels.contains(said.level) else {
            throw UnusableBody(
                field: "level", why: "the level must be from 0 to 10", input: body["level"] ?? .null)
        }
        // As in a cell: the context takes precedence over the body, and a blank name counts as none.
        let source = [said.context?["source"]?.stringValue, said.source].compactMap { $0 }
            .first { !$0.allSatisfy(\.isWhitespace) }
        guard case .named(let name)? = StateSource(source ?? Self.defaultSource) else {
            throw UnusableBody(
                field: "source", why: "a name has at most \(StateSource.nameLimit) bytes, and is not the id of a node",
                input: .string(source ?? ""))
        }
        self.init(level: said.level, context: Self.members(of: said.context), source: name)
    }

    private static func members(of context: JSONValue?) -> JSONObject {
        guard case .object(let members)? = context else { return [:] }
        return members
    }
}
