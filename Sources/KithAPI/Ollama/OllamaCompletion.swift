// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithServer
import NIOCore

/// A request for an answer in Ollama's dialect, and how the answer is put in its form.
struct OllamaCompletion: Sendable {
    let asked: OllamaChatRequest
    private let clock: any TimeSource
    private let start: MonotonicInstant

    init(_ asked: OllamaChatRequest, clock: any TimeSource) {
        self.asked = asked
        self.clock = clock
        start = clock.now
    }

    /// What puts the answer in the form of a stream.
    var streamText: OllamaStreamText { OllamaStreamText(OllamaAnswerHeader(asked), clock: clock, start: start) }

    /// The reply to a request that does not stream.
    ///
    /// - Throws: `ChatError` when the answer came in another form, or cannot be told in this dialect.
    func reply(_ routed: RoutedAnswer, services: NodeServices) throws -> PlainReply {
        guard case .whole(let whole) = routed.body else {
            throw ChatError(.invalidAnswer, "an answer came in another form than the one that was asked for")
        }
        var header = OllamaAnswerHeader(asked)
        header.name(routed)
        let body = try OllamaAnswer.body(
            header: header, message: whole.message, finish: whole.finish, usage: whole.usage,
            times: OllamaTimes(total: clock.now - start, usage: whole.usage), at: .now())
        services.record(.completed)
        return PlainReply(json: ByteBuffer(bytes: body), route: routed.route.headerValue)
    }

    /// The reply to a request without a prompt: engines load models when they need them, so nobody is asked.
    func reply(to handling: OllamaChatRequest.Handling) -> PlainReply {
        let body = OllamaAnswer.body(header: OllamaAnswerHeader(asked), handling: handling, at: .now())
        return PlainReply(json: ByteBuffer(bytes: body))
    }
}

extension OllamaAnswerHeader {
    /// Clients that named a model find that name in the answer.
    fileprivate mutating func name(_ routed: RoutedAnswer) {
        if model.isEmpty { model = routed.model.rawValue }
    }
}

/// A routed answer as lines of JSON in Ollama's dialect. A value that is fed what arrives.
struct OllamaStreamText: AnswerStreamText {
    static var contentType: String { "application/x-ndjson" }

    private var encoder: OllamaStreamEncoder
    private let clock: any TimeSource
    private let start: MonotonicInstant
    /// When the first piece of the answer came.
    private var first: MonotonicInstant?

    init(_ header: OllamaAnswerHeader, clock: any TimeSource, start: MonotonicInstant) {
        encoder = OllamaStreamEncoder(header: header)
        self.clock = clock
        self.start = start
    }

    mutating func answered(by routed: RoutedAnswer) { encoder.header.name(routed) }

    mutating func append(_ continuation: RouteRecord.Continuation, to bytes: inout [UInt8]) {
        encoder.append(OpenAIContinuation(continuation), at: .now(), to: &bytes)
    }

    mutating func append(_ event: ChatEvent, to bytes: inout [UInt8]) {
        switch event {
        case .waiting, .comment: encoder.append(silenceAt: .now(), to: &bytes)
        case .delta(let delta):
            if first == nil { first = clock.now }
            encoder.append(delta, at: .now(), to: &bytes)
        case .finished(let finish, let usage):
            let end = clock.now
            let times = OllamaTimes(total: end - start, first: (first ?? end) - start)
            encoder.append(end: finish, usage, times, at: .now(), to: &bytes)
        // Only a request in an engine's own dialect is answered so.
        case .raw: break
        case .rawEnd:
            append(problem: SurfaceError(ChatError(.invalidAnswer, "the answer came in another dialect")), to: &bytes)
        }
    }

    /// The dialect has no words for what the answer is waiting for.
    func append(silence words: String, now: MonotonicInstant, to bytes: inout [UInt8]) {
        encoder.append(silenceAt: .now(), to: &bytes)
    }

    /// Lines of JSON have no comments.
    static func append(comment: String, to bytes: inout [UInt8]) {}

    func append(problem: SurfaceError, to bytes: inout [UInt8]) {
        encoder.append(failure: problem.message, to: &bytes)
    }
}
