// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithModel
import KithServer
import KithVault
import NIOCore

/// What editors and the seeds' clients ask a bridge.
struct BridgeRoutes: Sendable {
    let bridge: BridgeService
    let counts: RequestCounts

    func add(to router: SurfaceRouter) {
        router.surface("/health", scope: .read, [.get: { _, _ in try .json(bridge.health()) }])
        router.surface("/code-assist", scope: .assist, [.post: { request, _ in try await assist(request) }])
        router.surface("/sync-consciousness", scope: .sync, [.post: { request, _ in try await sync(request) }])
        router.surface("/vault-status", scope: .read, [.get: { _, _ in try .json(try await vaultStatus()) }])
        router.surface("/network-peers", scope: .read, [.get: { _, _ in try .json(bridge.peers()) }])
        router.surface("/events", scope: .read, [.get: { _, _ in try events() }])
        router.surface(
            "/metrics", scope: .read,
            [.get: { _, _ in .metrics(bridge.metrics() + [counts.family(role: "bridge")]) }])
    }

    private func assist(_ request: Request) async throws -> Response {
        let deadline = try request.headers.deadline(now: bridge.services.clock.now)
        let body = try await request.detailBody(upTo: BridgeLimits.assistBody)
        let asked = try CellMessage.AssistRequest(bridged: body)
        do {
            let answer = try await bridge.assist(asked, until: deadline)
            return try .json(answer.body, headers: .route(answer.route))
        } catch let failure as ChatFailure where failure.code == .invalidRequest {
            throw UnusableBody(field: failure.field ?? "code", why: failure.message, input: .string(asked.action))
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
            return try await Attempt().run(limit: BridgeLimits.vault, clock: bridge.services.clock) {
                await bridge.services.vault()
            }
        } catch is AttemptExpired {
            return VaultStatusBody(.unreachable(.timeout))
        }
    }

    /// The changes of the mode, beginning with the one that the bridge is in.
    private func events() throws -> Response {
        guard let events = bridge.services.events.follow([.bridge]) else {
            throw DetailRefusal(
                status: .serviceUnavailable, message: "\(EventHub.followerLimit) follow the events already",
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
