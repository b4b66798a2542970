// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithServer
import NIOCore

/// A request for a chat or text completion, and how its answer is put in OpenAI's form.
struct OpenAICompletion: Sendable {
    let request: ChatRequest

    /// - Throws: ``ChatFailure`` for what is not a request to `/v1/chat/completions`.
    init(chat bytes: [UInt8]) throws {
        request = try OpenAIChatRequest.read(bytes)
    }

    /// - Throws: ``ChatFailure`` for what is not a request to `/v1/completions`.
    init(text bytes: [UInt8]) throws {
        request = try OpenAICompletionRequest.read(bytes)
    }

    /// What puts the answer in the form of a stream.
    var streamText: OpenAIStreamText {
        OpenAIStreamText(
            kind: request.kind, header: OpenAIAnswerHeader(request, model: request.model ?? ""),
            includesUsage: request.includesUsage)
    }

    /// The reply to a request that does not stream.
    ///
    /// - Throws: ``ChatFailure`` when the answer is a stream after all.
    func reply(_ routed: RoutedAnswer, services: NodeServices) throws -> PlainReply {
        switch routed.body {
        case .verbatim(let answer):
            services.record(.completed)
            return PlainReply(json: ByteBuffer(bytes: answer.body), route: routed.route.headerValue)
        case .whole(let whole):
            services.record(.completed)
            let body = OpenAIAnswer.body(
                request.kind, header: OpenAIAnswerHeader(request, model: routed.model), message: whole.message,
                finish: whole.finish, usage: whole.usage)
            return PlainReply(json: ByteBuffer(bytes: body), route: routed.route.headerValue)
        case .stream: throw ChatFailure(.invalidAnswer, "a stream came where a whole answer was asked for")
        }
    }
}
