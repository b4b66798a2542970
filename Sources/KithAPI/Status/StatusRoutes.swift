// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithServer
import KithStore
import NIOCore

/// What `kith status` and `kith peers` show, the API's description, and a word for whoever opens the address in a browser.
struct StatusRoutes: Sendable {
    let services: NodeServices
    let listening: ListeningAddress

    private var address: HTTPAddress { listening.value }

    func add(to router: SurfaceRouter) {
        router.surface("/api/status", scope: .read, [.get: { _, _ in try await status() }])
        router.surface(
            "/openapi.yaml", scope: .read,
            [.get: { _, _ in text(PackageResources.openapi_yaml, type: "application/yaml") }])
        router.surface(
            "/", scope: .read, [.get: { _, _ in text(Array(greeting.utf8), type: "text/plain; charset=utf-8") }])
    }

    private func status() async throws -> Response {
        let state = try await services.store.state(at: .now())
        let now = services.clock.now
        return try .json(
            NodeStatus(
                node: services.name.rawValue, version: services.version, address: address.description,
                uptimeSeconds: (now - services.startedAt).seconds.rounded(toPlaces: 1), level: services.level(),
                draining: services.mesh.drainingSince != nil, engine: NodeStatus.Engine(services.engine.status()),
                peers: services.mesh.peers().map { NodeStatus.Peer($0, now: now) }, sessions: state.sessions,
                turnCount: state.turnCount, valence: state.valence))
    }

    private var greeting: String {
        """
        kith \(services.version), node \(services.name)

        POST /v1/chat/completions  OpenAI's API; base URL \(address)/v1
        POST /api/generate         the synth-mind peer API
        GET  /api/status           this node, its engine and its peers
        GET  /openapi.yaml         all of it

        """
    }

    private func text(_ bytes: [UInt8], type: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: type, .contentLength: String(bytes.count)],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
