// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithServer
import NIOCore

/// A request for a message, and how its answer is put in Anthropic's form.
struct AnthropicCompletion: DialectCompletion {
    static let errors = ErrorDialect.anthropic

    let request: ChatRequest
    private let header: AnthropicAnswerHeader

    /// - Throws: `ChatError` for what is not a request to `/v1/messages`.
    init(_ bytes: [UInt8]) throws { self.init(try AnthropicMessagesRequest.read(bytes)) }

    init(_ asked: AnthropicMessagesRequest) {
        request = asked.chat
        header = AnthropicAnswerHeader(asked)
    }

    /// What puts the answer in the form of a stream.
    var streamText: AnthropicStreamText { AnthropicStreamText(header) }

    /// The reply to a request that does not stream.
    ///
    /// - Throws: `ChatError` when the answer came in another form, or cannot be told in this dialect.
    func reply(_ routed: RoutedAnswer, services: NodeServices) throws -> PlainReply {
        guard case .whole(let whole) = routed.body else {
            throw ChatError(.invalidAnswer, "an answer came in another form than the one that was asked for")
        }
        var header = header
        header.model = routed.model.rawValue
        let body = try AnthropicMessagesAnswer.body(
            header: header, message: whole.message, finish: whole.finish, usage: whole.usage)
        services.record(.completed)
        return PlainReply(json: ByteBuffer(bytes: body), route: routed.route.headerValue)
    }
}

/// A routed answer as the text of an event stream in Anthropic's dialect. A value that is fed what arrives.
struct AnthropicStreamText: AnswerStreamText {
    /// Between two events that say that nothing is said. Clients that give up after 300 s without an event count the first
    /// 30 of these in a row: twenty minutes of silence are bridged so. Comments in between keep the connection.
    static let pingInterval = Duration.seconds(40)

    private var encoder: AnthropicStreamEncoder
    private var lastPing: MonotonicInstant?

    init(_ header: AnthropicAnswerHeader) { encoder = AnthropicStreamEncoder(header: header) }

    mutating func answered(by routed: RoutedAnswer) { encoder.header.model = routed.model.rawValue }

    mutating func append(_ continuation: RouteRecord.Continuation, to bytes: inout [UInt8]) {
        encoder.append(OpenAIContinuation(continuation), to: &bytes)
    }

    mutating func append(_ event: ChatEvent, to bytes: inout [UInt8]) {
        switch event {
        case .waiting(let reason): Self.append(comment: reason.rawValue, to: &bytes)
        case .comment(let comment): Self.append(comment: comment, to: &bytes)
        case .delta(let delta): encoder.append(delta, to: &bytes)
        case .finished(let finish, let usage): encoder.append(end: finish, usage, to: &bytes)
        // Only a request in an engine's own dialect is answered so.
        case .raw: break
        case .rawEnd:
            append(problem: SurfaceError(ChatError(.invalidAnswer, "the answer came in another dialect")), to: &bytes)
        }
    }

    mutating func append(silence words: String, now: MonotonicInstant, to bytes: inout [UInt8]) {
        Self.append(comment: words, to: &bytes)
        guard let lastPing else { return self.lastPing = now }
        guard now - lastPing >= Self.pingInterval else { return }
        self.lastPing = now
        bytes.append(contentsOf: AnthropicStreamEncoder.ping)
    }

    static func append(comment: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: OpenAIStreamEncoder.comment(comment))
    }

    func append(problem: SurfaceError, to bytes: inout [UInt8]) {
        encoder.append(failure: problem.anthropicBody, to: &bytes)
    }
}
