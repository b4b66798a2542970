// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import NIOCore

/// A request for a chat or text completion, and how its answer is put in OpenAI's form.
struct OpenAICompletion: Sendable {
    let request: ChatRequest
    let includesUsage: Bool

    /// - Throws: ``ChatFailure`` for what is not a request to `/v1/chat/completions`.
    init(chat bytes: [UInt8]) throws {
        let decoded = try OpenAIChatRequest.read(bytes)
        request = try decoded.chatRequest(verbatim: decoded.options.stream ? nil : bytes)
        includesUsage = decoded.options.includesUsage
    }

    /// - Throws: ``ChatFailure`` for what is not a request to `/v1/completions`.
    init(text bytes: [UInt8]) throws {
        let decoded = try JSONBody.decode(OpenAICompletionRequest.self, from: bytes)
        request = try decoded.chatRequest(verbatim: decoded.options.stream ? nil : bytes)
        includesUsage = decoded.options.includesUsage
    }

    func header(_ routed: RoutedAnswer) -> OpenAIAnswerHeader {
        OpenAIAnswerHeader(
            id: (request.kind == .chat ? "chatcmpl-" : "cmpl-") + request.id.rawValue,
            created: Int(WallTime.now().milliseconds / 1_000), model: routed.model.rawValue)
    }

    /// The reply to a request that does not stream.
    ///
    /// - Throws: ``ChatFailure`` when the answer is a stream after all.
    func reply(_ routed: RoutedAnswer, services: NodeServices) throws -> PlainReply {
        switch routed.body {
        case .verbatim(let answer):
            services.record(.completed)
            return PlainReply(json: ByteBuffer(bytes: answer.body), route: routed.route)
        case .whole(let whole):
            services.record(.completed)
            switch request.kind {
            case .chat:
                let body = OpenAIChatCompletion(
                    header: header(routed), message: whole.message, finish: whole.finish, usage: whole.usage)
                return try PlainReply(body, route: routed.route)
            case .completion:
                let body = OpenAITextCompletion(
                    header: header(routed), text: whole.message.text, finish: whole.finish, usage: whole.usage)
                return try PlainReply(body, route: routed.route)
            }
        case .stream: throw ChatFailure(.invalidAnswer, "a stream came where a whole answer was asked for")
        }
    }
}
