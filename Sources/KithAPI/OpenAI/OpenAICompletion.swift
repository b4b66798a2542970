// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithServer
import NIOCore

/// A request for a chat or text completion, and how its answer is put in OpenAI's form.
struct OpenAICompletion: DialectCompletion {
    static let errors = ErrorDialect.openAI

    let request: ChatRequest

    /// - Throws: `ChatError` for what is not a request to `/v1/chat/completions`.
    init(chat bytes: [UInt8]) throws {
        request = try OpenAIChatRequest.read(bytes)
    }

    /// - Throws: `ChatError` for what is not a request to `/v1/completions`.
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
    /// - Throws: `ChatError` when the answer is a stream after all.
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
        case .stream: throw ChatError(.invalidAnswer, "a stream came where a whole answer was asked for")
        }
    }
}

/// A routed answer as the text of an event stream in OpenAI's dialect: events that an engine gave in it stay as they
/// came, others are converted. A value that is fed what arrives.
struct OpenAIStreamText: AnswerStreamText {
    /// How much of the first event is kept to find the answer's id.
    private static let sampleLimit = 4 << 10

    private let kind: ChatRequest.Kind
    private let includesUsage: Bool
    /// What events that are made here repeat; taken from the engine's own first event where there was one.
    private var header: OpenAIAnswerHeader
    private var encoder: OpenAIStreamEncoder?
    /// The beginning of what the engine said in this dialect itself.
    private var sample: [UInt8] = []

    init(kind: ChatRequest.Kind, header: OpenAIAnswerHeader, includesUsage: Bool) {
        self.kind = kind
        self.header = header
        self.includesUsage = includesUsage
    }

    /// It is known which node and model answer.
    mutating func answered(by routed: RoutedAnswer) { header.model = routed.model.rawValue }

    mutating func append(_ event: ChatEvent, to bytes: inout [UInt8]) {
        switch event {
        case .raw(let raw):
            if sample.isEmpty { sample = Array(raw.bytes.prefix(Self.sampleLimit)) }
            if bytes.isEmpty { bytes = raw.bytes } else { bytes.append(contentsOf: raw.bytes) }
        case .rawEnd: bytes.append(contentsOf: OpenAIStreamEncoder.done)
        case .waiting(let reason): Self.append(comment: reason.rawValue, to: &bytes)
        case .comment(let comment): Self.append(comment: comment, to: &bytes)
        case .delta(let delta): bytes.append(contentsOf: opened(&bytes).delta(delta))
        case .finished(let finish, let usage): bytes.append(contentsOf: opened(&bytes).closing(finish, usage: usage))
        }
    }

    /// From here on another engine answers.
    mutating func append(_ continuation: RouteRecord.Continuation, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: opened(&bytes).continued(OpenAIContinuation(continuation)))
    }

    func append(silence words: String, now: MonotonicInstant, to bytes: inout [UInt8]) {
        Self.append(comment: words, to: &bytes)
    }

    /// A comment that clients skip (WHATWG HTML, 9.2.6); keeps connections open while nothing is said.
    static func append(comment: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: OpenAIStreamEncoder.comment(comment))
    }

    /// The event that says that the answer broke off; no `[DONE]` and no `finish_reason` follow it.
    func append(problem: SurfaceError, to bytes: inout [UInt8]) {
        let encoder = OpenAIStreamEncoder(kind: kind, header: header, includesUsage: includesUsage)
        bytes.append(contentsOf: encoder.failure(problem.openAIBody))
    }

    /// The encoder for events that no engine wrote; opens the answer when the engine has not done so.
    private mutating func opened(_ bytes: inout [UInt8]) -> OpenAIStreamEncoder {
        if let encoder { return encoder }
        if let first = OpenAIAnswerHeader(ofFirst: sample) { header = first }
        let encoder = OpenAIStreamEncoder(kind: kind, header: header, includesUsage: includesUsage)
        self.encoder = encoder
        if sample.isEmpty { bytes.append(contentsOf: encoder.opening) }
        return encoder
    }
}
