// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithServer
import NIOCore

/// OpenAI's API as its clients use it: chat and text completions, models, embeddings.
///
/// Each path is there without the version too, for programs whose base address lacks it.
struct OpenAIRoutes: Sendable {
    private static let version = "/v1"

    let services: NodeServices

    /// Whether a path is one of this dialect that lacks the version.
    static func coverWithoutVersion(_ path: String) -> Bool {
        switch path {
        case "/chat/completions", "/completions", "/embeddings", "/models": true
        default: path.hasPrefix("/models/") || PassThroughRoutes.coverWithoutVersion(path)
        }
    }

    func add(to router: SurfaceRouter) {
        for base in [Self.version, ""] {
            router.surface(base + "/chat/completions", scope: .chat, [.post: { try await chatCompletions($0, $1) }])
            router.surface(base + "/completions", scope: .chat, [.post: { try await completions($0, $1) }])
            router.surface(
                base + "/embeddings", scope: .chat, [.post: { try await embeddings($0, $1) }])
            router.surface(base + "/models", scope: .chat, [.get: { try models($0, $1) }])
            router.surface(
                base + "/models/**", scope: .chat, [.get: { try model($0, $1, below: base) }])
        }
    }

    // MARK: Completions

    private func chatCompletions(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: services.limits.openAIBody)
        return try await answer(try OpenAICompletion(chat: bytes), to: request, context)
    }

    private func completions(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: services.limits.openAIBody)
        return try await answer(try OpenAICompletion(text: bytes), to: request, context)
    }

    private func answer(
        _ completion: OpenAICompletion, to request: Request, _ context: NodeRequestContext
    ) async throws -> Response {
        guard completion.request.streams else {
            let routed = try await services.dispatch(
                completion.request, by: try context.caller.get(), headers: request.headers, path: request.uri.path)
            return try completion.reply(routed, services: services).response
        }
        return try await AnswerStreamWriter.response(
            to: completion.request, as: completion.streamText, by: context, headers: request.headers,
            path: request.uri.path, services: services)
    }

    // MARK: Embeddings and models

    private func embeddings(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: services.limits.openAIBody)
        let decoded = try OpenAIEmbeddingRequest.read(bytes)
        let (answer, route) = try await services.embed(
            decoded.request, by: try context.caller.get(), headers: request.headers, path: request.uri.path)
        let body = OpenAIEmbeddings.body(answer, encoding: decoded.encoding)
        return PlainReply(json: ByteBuffer(bytes: body), route: route.headerValue).response
    }

    private func models(_ request: Request, _ context: NodeRequestContext) throws -> Response {
        let listed = services.listedModels(for: try context.caller.get())
        return try request.isAnthropic
            ? .anthropic(listed) : .json(OpenAIModelList(listed, asleep: services.modelsAsleep))
    }

    /// Model names may hold slashes, so the rest of the path is the name.
    private func model(_ request: Request, _ context: NodeRequestContext, below base: String) throws -> Response {
        let path = request.uri.path.dropFirst("\(base)/models/".count)
        let name = ModelID(PathSegment.unescaped(String(path)) ?? String(path))
        let listed = services.listedModels(for: try context.caller.get())
        guard let model = listed.first(where: { $0.id == name }) else {
            throw ChatError(
                .modelNotFound, "model '\(name)' not found", field: "model",
                knownModels: services.knownModels().map(\.id))
        }
        return try request.isAnthropic
            ? .anthropic(model) : .json(OpenAIModel(model, isAsleep: services.modelsAsleep.contains(model.id)))
    }
}
