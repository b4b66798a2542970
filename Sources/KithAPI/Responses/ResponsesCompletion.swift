// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects
import KithInference
import KithModel
import KithServer
import NIOCore

/// A request for a response, and how its answer is put in the form of the Responses dialect.
struct ResponsesCompletion: DialectCompletion {
    static let errors = ErrorDialect.openAI

    private let prepared: PreparedResponse
    /// `nil` for one that is not kept.
    private let shelf: ResponseShelf?

    init(_ prepared: PreparedResponse, shelf: ResponseShelf) {
        self.prepared = prepared
        self.shelf = shelf
    }

    /// A request that goes on from nothing that is kept, and whose response is not to be kept.
    ///
    /// - Returns: `nil` for any other request.
    /// - Throws: `ChatError` for what is not a request to `/v1/responses`.
    init?(stateless bytes: [UInt8]) throws {
        let asked = try ResponsesRequest.read(bytes)
        guard !asked.stores, asked.previousID == nil, asked.references.isEmpty else { return nil }
        prepared = try asked.prepared(
            after: [], referenced: [:], createdAt: Int(WallTime.now().milliseconds / 1_000))
        shelf = nil
    }

    var request: ChatRequest { prepared.chat }

    /// What puts the answer in the form of a stream.
    var streamText: ResponsesStreamText { ResponsesStreamText(prepared, shelf: shelf) }

    /// The reply to a request that does not stream; keeps it where the client wants that.
    ///
    /// - Throws: `ChatError` when the answer came in another form, or cannot be told in this dialect.
    func reply(_ routed: RoutedAnswer, services: NodeServices) async throws -> PlainReply {
        guard case .whole(let whole) = routed.body else {
            throw ChatError(.invalidAnswer, "an answer came in another form than the one that was asked for")
        }
        var header = prepared.header
        header.model = routed.model.rawValue
        var ending = try ResponsesAnswer.ending(
            header: header, message: whole.message, finish: whole.finish, usage: whole.usage)
        await shelf?.keep(&ending, of: prepared)
        services.record(.completed)
        return PlainReply(json: ByteBuffer(bytes: ending.response.jsonBytes), route: routed.route.headerValue)
    }

    /// A prompt that is too long is told in the stream: there programs know the code, and shorten the conversation.
    func isToldInStream(_ problem: SurfaceError) -> Bool { problem.isTooLong }
}

/// A routed answer as the text of an event stream in the Responses dialect. A value that is fed what arrives.
struct ResponsesStreamText: AnswerStreamText {
    private var encoder: ResponsesStreamEncoder
    private let prepared: PreparedResponse
    private let shelf: ResponseShelf?
    /// The last word, which is said when the response is kept.
    private var ending: ResponsesEnding?

    /// - Parameter shelf: `nil` to keep nothing.
    init(_ prepared: PreparedResponse, shelf: ResponseShelf?) {
        self.prepared = prepared
        self.shelf = shelf
        encoder = ResponsesStreamEncoder(header: prepared.header)
    }

    mutating func answered(by routed: RoutedAnswer) { encoder.header.model = routed.model.rawValue }

    mutating func append(_ continuation: RouteRecord.Continuation, to bytes: inout [UInt8]) {
        encoder.append(OpenAIContinuation(continuation), to: &bytes)
    }

    mutating func append(_ event: ChatEvent, to bytes: inout [UInt8]) {
        switch event {
        case .waiting(let reason): append(sign: reason.rawValue, to: &bytes)
        case .comment(let comment): append(sign: comment, to: &bytes)
        case .delta(let delta): encoder.append(delta, to: &bytes)
        case .finished(let finish, let usage):
            let ending = encoder.end(finish, usage, to: &bytes)
            if shelf == nil { encoder.append(ending, to: &bytes) } else { self.ending = ending }
        // Only a request in an engine's own dialect is answered so.
        case .raw: break
        case .rawEnd:
            append(problem: SurfaceError(ChatError(.invalidAnswer, "the answer came in another dialect")), to: &bytes)
        }
    }

    /// Keeps a response that is whole before the client is told that it is, so that it can be gone on from at once.
    mutating func settle(_ bytes: inout [UInt8]) async {
        guard var ending = ending.take() else { return }
        await shelf?.keep(&ending, of: prepared)
        encoder.append(ending, to: &bytes)
    }

    mutating func append(silence words: String, now: MonotonicInstant, to bytes: inout [UInt8]) {
        append(sign: words, to: &bytes)
    }

    /// A comment for people, and an event for programs: some end a stream without events, whatever comments it has.
    private mutating func append(sign words: String, to bytes: inout [UInt8]) {
        Self.append(comment: words, to: &bytes)
        encoder.appendSign(to: &bytes)
    }

    static func append(comment: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: OpenAIStreamEncoder.comment(comment))
    }

    func append(problem: SurfaceError, to bytes: inout [UInt8]) {
        encoder.append(failure: problem.responsesFailure, to: &bytes)
    }
}

extension SurfaceError {
    /// Whether the prompt is longer than the context.
    var isTooLong: Bool {
        failure?.excess != nil || failure?.engineCode == ResponsesFailure.tooLong
    }

    fileprivate var responsesFailure: ResponsesFailure {
        ResponsesFailure(status: status.code, message: message, isTooLong: isTooLong)
    }
}
