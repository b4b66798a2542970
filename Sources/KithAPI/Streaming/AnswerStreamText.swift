// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithServer

/// Puts a routed answer in the form of an event stream of one dialect: a value that is fed what arrives.
protocol AnswerStreamText: Sendable {
    static var contentType: String { get }

    /// It is known which node and model answer.
    mutating func answered(by routed: RoutedAnswer)

    mutating func append(_ event: ChatEvent, to bytes: inout [UInt8])

    /// From here on another engine answers.
    mutating func append(_ continuation: RouteRecord.Continuation, to bytes: inout [UInt8])

    /// Does what has to be done before what was appended last is sent, and appends what may only be said after it.
    mutating func settle(_ bytes: inout [UInt8]) async

    /// Nothing was said for a while.
    ///
    /// - Parameter words: What the answer is waiting for.
    mutating func append(silence words: String, now: MonotonicInstant, to bytes: inout [UInt8])

    /// A comment that clients skip (WHATWG HTML, 9.2.6); keeps connections open while nothing is said. Nothing in a dialect that
    /// has no comments.
    static func append(comment: String, to bytes: inout [UInt8])

    /// The event that says that the answer broke off; nothing that could be taken for an end follows it.
    func append(problem: SurfaceError, to bytes: inout [UInt8])
}

extension AnswerStreamText {
    static var contentType: String { "text/event-stream" }

    mutating func settle(_ bytes: inout [UInt8]) async {}

    mutating func append(_ event: RoutedEvent, to bytes: inout [UInt8]) {
        switch event {
        case .event(let event): append(event, to: &bytes)
        case .continued(let continuation): append(continuation, to: &bytes)
        }
    }
}

extension OpenAIContinuation {
    init(_ continuation: RouteRecord.Continuation) {
        self.init(
            node: continuation.candidate.name, model: continuation.candidate.model,
            afterTokens: continuation.tokens, reason: continuation.failure)
    }
}

/// A request in one dialect that wants an answer, and how that answer is put in the dialect's form.
protocol DialectCompletion: Sendable {
    associatedtype Text: AnswerStreamText

    /// The form of its errors.
    static var errors: ErrorDialect { get }

    var request: ChatRequest { get }

    /// What puts the answer in the form of a stream.
    var streamText: Text { get }

    /// The reply to a request that does not stream.
    ///
    /// - Throws: `ChatError` when the answer came in another form, or cannot be told in this dialect.
    func reply(_ routed: RoutedAnswer, services: NodeServices) async throws -> PlainReply

    /// Whether a stream that cannot begin says so in its events, and not by its status.
    func isToldInStream(_ problem: SurfaceError) -> Bool
}

extension DialectCompletion {
    func isToldInStream(_ problem: SurfaceError) -> Bool { false }
}
