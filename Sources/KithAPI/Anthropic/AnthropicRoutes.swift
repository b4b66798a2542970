// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithServer
import NIOCore

/// Anthropic's messages API as its clients use it. Its list of models is on a path of OpenAI's dialect too.
struct AnthropicRoutes: Sendable {
    /// How long an engine may take to count.
    private static let countLimit = Duration.seconds(2)

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface("/v1/messages", scope: .chat, [.post: { try await messages($0, $1) }])
        router.surface(
            "/v1/messages/count_tokens", scope: .chat, [.post: { try await countTokens($0, $1) }])
        // Some clients look, without a key, whether there is anybody.
        router.surface(
            "/api/hello", scope: .everyone, [.get: { _, _ in PlainReply(json: ByteBuffer(string: "{}")).response }])
    }

    private func messages(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: services.limits.openAIBody)
        let completion = AnthropicCompletion(try AnthropicMessagesRequest.read(bytes))
        guard completion.request.streams else {
            let routed = try await services.dispatch(
                completion.request, by: try context.caller.get(), headers: request.headers, path: request.uri.path)
            return try completion.reply(routed, services: services).response
        }
        return try await AnswerStreamWriter.response(
            to: completion.request, as: completion.streamText, by: context, headers: request.headers,
            path: request.uri.path, services: services)
    }

    /// As the engine counts that would answer, if it can and is quick; else the estimate by which routing chooses.
    private func countTokens(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: services.limits.openAIBody)
        var asked = try AnthropicMessagesRequest.readToCount(bytes).chat
        asked.allowedModels = try services.models(for: asked.model, of: try context.caller.get())
        let exact = await services.dispatcher.promptTokens(
            of: asked, pin: try request.headers.pinnedNode(), within: Self.countLimit)
        let counted = exact ?? asked.estimatedPromptTokens
        let body: JSONObject = ["input_tokens": .integer(Int64(counted))]
        return PlainReply(json: ByteBuffer(bytes: body.jsonBytes)).response
    }
}

extension Request {
    /// Whether a client of Anthropic's dialect asks: they say which version of it they speak, but for Claude Code when it
    /// looks for models.
    var isAnthropic: Bool {
        headers[.anthropicVersion] != nil || headers[.userAgent]?.hasPrefix("claude-code/") == true
    }
}

extension Response {
    static func anthropic(_ models: [ModelInfo]) -> Response {
        PlainReply(json: ByteBuffer(bytes: AnthropicModelPage.body(models))).response
    }

    static func anthropic(_ model: ModelInfo) -> Response {
        PlainReply(json: ByteBuffer(bytes: AnthropicModelPage.body(model))).response
    }
}

extension HTTPField.Name {
    fileprivate static let anthropicVersion = Self.known("anthropic-version")
}
