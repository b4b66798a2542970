// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithServer
import NIOCore

/// Ollama's API as its clients use it, but for the two paths that it shares with the seeds: those are in ``SeedRoutes``, which
/// hand on what is meant for ``OllamaAnswers``.
struct OllamaRoutes: Sendable {
    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface("/api/version", scope: .chat, [.get: { _, _ in version }])
        router.surface("/api/tags", scope: .chat, [.get: { _, context in try tags(for: context) }])
        router.surface("/api/ps", scope: .chat, [.get: { _, _ in json(OllamaModelPages.running) }])
        router.surface("/api/show", scope: .chat, [.post: { try await show($0, $1) }])
        router.surface("/api/embed", scope: .chat, [.post: { try await embed($0, $1) }])
        router.surface("/api/embeddings", scope: .chat, [.post: { try await olderEmbedding($0, $1) }])
        router.surface("/api/pull", scope: .chat, [.post: { try await pull($0, $1) }])
        for (path, method) in Self.managing {
            router.surface(path, scope: .chat, [method: { _, _ in Self.notManaged }])
        }
        router.surface(
            "/api/blobs/:digest", scope: .chat, [.get: { _, _ in Self.notManaged }, .post: { _, _ in Self.notManaged }])
    }

    /// Whether a path is one of those that only Ollama's clients ask for.
    static func cover(_ path: String) -> Bool { paths.contains(path) || path.hasPrefix("/api/blobs/") }

    private static let paths: Set = [
        "/api/version", "/api/tags", "/api/ps", "/api/show", "/api/embed", "/api/embeddings", "/api/pull", "/api/push",
        "/api/create", "/api/copy", "/api/delete",
    ]

    // MARK: Models

    private var version: Response { json(OllamaModelPages.version(kith: services.version)) }

    private func tags(for context: NodeRequestContext) throws -> Response {
        json(OllamaModelPages.list(services.listedModels(for: try context.caller.get())))
    }

    private func show(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let asked = try OllamaModelRequest.read(try await request.body(upTo: services.limits.seedBody))
        return json(OllamaModelPages.card(try services.model(of: asked, for: try context.caller.get())))
    }

    // MARK: Embeddings

    private func embed(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let start = services.clock.now
        let asked = try OllamaEmbedRequest.read(try await request.body(upTo: services.limits.openAIBody))
        guard !asked.request.inputs.isEmpty else {
            _ = try services.model(of: asked.model, for: try context.caller.get())
            return json(OllamaEmbeddingAnswer.body([], model: asked.model, promptTokens: 0, total: .zero))
        }
        let (answer, route) = try await services.embed(
            asked.request, by: try context.caller.get(), headers: request.headers, path: request.uri.path)
        let body = OllamaEmbeddingAnswer.body(
            answer.vectors, model: asked.model.isEmpty ? answer.model.rawValue : asked.model,
            promptTokens: answer.promptTokens, total: services.clock.now - start)
        return json(body, route: route.headerValue)
    }

    private func olderEmbedding(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let asked = try OllamaEmbedRequest.readOlder(try await request.body(upTo: services.limits.openAIBody))
        guard !asked.request.inputs.isEmpty else {
            _ = try services.model(of: asked.model, for: try context.caller.get())
            return json(OllamaEmbeddingAnswer.olderBody([]))
        }
        let (answer, route) = try await services.embed(
            asked.request, by: try context.caller.get(), headers: request.headers, path: request.uri.path)
        guard let vector = answer.vectors.first else { throw ChatError(.invalidAnswer, "the engine gave no vector") }
        return json(OllamaEmbeddingAnswer.olderBody(vector), route: route.headerValue)
    }

    // MARK: What engines do for themselves

    /// Routes by which Ollama's programs change what models there are.
    private static let managing: [(String, HTTPRequest.Method)] = [
        ("/api/push", .post), ("/api/create", .post), ("/api/copy", .post), ("/api/delete", .delete),
    ]

    /// Programs pull a model before they ask it, so one that is there has been pulled already.
    private func pull(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let asked = try OllamaModelRequest.read(try await request.body(upTo: services.limits.seedBody))
        guard (try? services.model(of: asked, for: try context.caller.get())) != nil else { return Self.notManaged }
        return Response(
            status: .ok, headers: [.contentType: OllamaStreamText.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: #"{"status":"success"}"# + "\n")))
    }

    private static var notManaged: Response {
        let body: JSONObject = [
            "error": """
            kith shows the models of the engines on all of your machines, and neither fetches nor changes them; do that where \
            the engine runs, and the model appears here
            """
        ]
        return PlainReply(json: ByteBuffer(bytes: body.jsonBytes), status: .notImplemented).response
    }

    private func json(_ body: [UInt8], route: String? = nil) -> Response {
        PlainReply(json: ByteBuffer(bytes: body), route: route).response
    }
}

extension NodeServices {
    /// A model, or an alias, that a client of Ollama's dialect asks about: with or without the tag `latest`.
    ///
    /// - Throws: `ChatError` for one that nobody offers.
    func model(of name: String, for caller: Principal) throws -> ModelInfo {
        let wanted = ModelID(name.isEmpty ? "auto" : name)
        let listed = listedModels(for: caller)
        let found = listed.first { $0.id == wanted } ?? listed.first { $0.id.isMeant(by: wanted) }
        guard let found else {
            throw ChatError(
                .modelNotFound, "model '\(name.prefix(256))' not found", field: "model",
                knownModels: knownModels().map(\.id))
        }
        return found
    }
}
