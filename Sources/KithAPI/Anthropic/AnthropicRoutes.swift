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
    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface("/v1/messages", scope: .chat, [.post: { try await messages($0, $1) }])
        router.surface(
            "/v1/messages/count_tokens", scope: .chat, [.post: { request, _ in try await countTokens(request) }])
    }

    private func messages(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: services.limits.openAIBody)
        let completion = AnthropicCompletion(try AnthropicMessagesRequest.read(bytes))
        guard completion.request.streams else {
            let routed = try await services.dispatch(completion.request, headers: request.headers)
            return try completion.reply(routed, services: services).response
        }
        return try await AnswerStreamWriter.response(
            to: completion.request, as: completion.streamText, headers: request.headers, path: request.uri.path,
            services: services, logger: context.logger)
    }

    /// Estimates, as routing does: nobody is asked.
    private func countTokens(_ request: Request) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: services.limits.openAIBody)
        let counted = try AnthropicMessagesRequest.readToCount(bytes).chat.estimatedPromptTokens
        let body: JSONObject = ["input_tokens": .integer(Int64(counted))]
        return PlainReply(json: ByteBuffer(bytes: body.jsonBytes)).response
    }
}

extension Request {
    /// Whether a client of Anthropic's dialect asks: all of them say which version of it they speak.
    var isAnthropic: Bool { headers[.anthropicVersion] != nil }
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
