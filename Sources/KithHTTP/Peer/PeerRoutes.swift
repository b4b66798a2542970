// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithInference
import KithModel

/// What this node does for its kin: answers with its own engine, and never forwards.
struct PeerRoutes: Sendable {
    let services: NodeServices
    let localEngine: LocalEngine?

    func add(to router: SurfaceRouter) {
        router.surface(PeerWire.statusPath, [.get: { request, _ in try status(request) }])
        router.surface(PeerWire.generatePath, [.post: { request, _ in try await generate(request) }])
        router.surface(PeerWire.embedPath, [.post: { request, _ in try await embed(request) }])
    }

    private func status(_ request: Request) throws -> Response {
        try authorise(request)
        return try Response.json(services.mesh.ownStatus(version: services.version))
    }

    private func generate(_ request: Request) async throws -> Response {
        try authorise(request)
        // A request holds the client's body beside its own fields.
        let bytes = try await request.jsonBody(upTo: 3 * services.limits.openAIBody)
        let chat = try JSONBody.decode(ChatRequest.self, from: bytes)
        guard let localEngine else { throw ChatFailure(.noEngine, "this node has no engine") }
        let answer = PeerAnswerWriter(engine: localEngine, request: chat, clock: services.clock)
        return Response(
            status: .ok, headers: [.contentType: PeerWire.contentType],
            body: ResponseBody { writer in
                try await answer.write(to: &writer)
                try await writer.finish(nil)
            })
    }

    private func embed(_ request: Request) async throws -> Response {
        try authorise(request)
        let bytes = try await request.jsonBody(upTo: services.limits.openAIBody)
        let wanted = try JSONBody.decode(EmbeddingRequest.self, from: bytes)
        guard let localEngine else { throw ChatFailure(.noEngine, "this node has no engine") }
        return try Response.json(try await localEngine.embed(wanted))
    }

    /// Closed without a mesh key, and to whoever does not hold it.
    private func authorise(_ request: Request) throws {
        guard let meshKey = services.meshKey else { throw SurfaceRefusal.notFound }
        let prefix = "Bearer "
        guard let header = request.headers[.authorization], header.hasPrefix(prefix),
            meshKey.matches(header.utf8.dropFirst(prefix.utf8.count))
        else { throw SurfaceRefusal.unauthorized }
    }
}
