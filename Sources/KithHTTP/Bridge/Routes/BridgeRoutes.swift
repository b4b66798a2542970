// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithModel
import NIOCore

/// What editors and the seeds' clients ask a bridge.
struct BridgeRoutes: Sendable {
    private static let metricsType = "text/plain; version=0.0.4; charset=utf-8"

    let bridge: BridgeService

    func add(to router: SurfaceRouter) {
        router.surface("/health", scope: .read, [.get: { _, _ in try .json(bridge.health()) }])
        router.surface("/code-assist", scope: .assist, [.post: { request, _ in try await assist(request) }])
        router.surface("/sync-consciousness", scope: .sync, [.post: { request, _ in try await sync(request) }])
        router.surface("/vault-status", scope: .read, [.get: { _, _ in try .json(try await vaultStatus()) }])
        router.surface("/network-peers", scope: .read, [.get: { _, _ in try .json(bridge.peers()) }])
        router.surface("/events", scope: .read, [.get: { _, _ in try events() }])
        router.surface("/metrics", scope: .read, [.get: { _, _ in metrics() }])
    }

    private func assist(_ request: Request) async throws -> Response {
        let body = try await body(of: request, upTo: BridgeLimits.assistBody)
        return try .json(try await bridge.assist(CellMessage.AssistRequest(bridged: body)))
    }

    private func sync(_ request: Request) async throws -> Response {
        let body = try await body(of: request, upTo: BridgeLimits.syncBody)
        let key = try request.headers[.idempotencyKey].map { text in
            guard let key = DeliveryKey(text) else {
                throw DetailRefusal(status: .badRequest, message: "Idempotency-Key must have from 1 to 128 bytes")
            }
            return key
        }
        switch try await bridge.sync(ForwardedSync(bridged: body), key: key) {
        case .delivered(let answer): return try .json(answer)
        case .kept(let old, let new):
            return try .json(KeptSyncBody(old_level: old, new_level: new), status: .accepted)
        }
    }

    private func vaultStatus() async throws -> VaultStatusBody {
        guard let vault = bridge.services.vault else {
            return VaultStatusBody(status: "error", error: "no vault is configured")
        }
        do {
            return try await Attempt().run(limit: BridgeLimits.vault, clock: bridge.services.clock) { await vault() }
        } catch is AttemptExpired {
            return VaultStatusBody(status: "error", error: "the vault does not answer in time")
        }
    }

    private func events() throws -> Response {
        guard let events = BridgeEvents(bridge) else {
            throw DetailRefusal(
                status: .serviceUnavailable, message: "as many follow the events as may", headers: [.retryAfter: "5"])
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
            body: ResponseBody { writer in try await events.write(to: &writer) })
    }

    private func metrics() -> Response {
        let text = ByteBuffer(string: bridge.metrics())
        return Response(
            status: .ok,
            headers: [.contentType: Self.metricsType, .contentLength: String(text.readableBytes)],
            body: ResponseBody(byteBuffer: text))
    }

    private func body(of request: Request, upTo limit: Int) async throws -> JSONValue {
        let bytes = try await request.jsonBody(upTo: limit)
        guard !bytes.isEmpty else {
            throw UnusableBody([
                FieldFault(type: "missing", location: [.name("body")], message: "Field required", input: .null)
            ])
        }
        do {
            guard JSONDepth.isWithin(CellReply.depthLimit, bytes) else {
                throw UnusableBody([
                    FieldFault(
                        type: "json_invalid", location: [.name("body"), .index(0)],
                        message: "JSON is nested too deeply",
                        input: .object([:]))
                ])
            }
            return try JSONBody.decode(JSONValue.self, from: bytes)
        } catch is ChatFailure {
            throw UnusableBody([
                FieldFault(
                    type: "json_invalid", location: [.name("body"), .index(0)], message: "JSON decode error",
                    input: .object([:]))
            ])
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

extension HTTPField.Name {
    static let idempotencyKey = Self.known("idempotency-key")
}
