// SPDX-License-Identifier: Apache-2.0

import KithModel

extension ChatRequest {
    /// This request with the answer so far as the beginning of the answer.
    ///
    /// - Returns: The request, and the white space at the end of the beginning that is not sent to the engine; `nil`
    ///   when there is no text to begin with.
    func prefilled(_ begun: PartialAnswer, in way: ContinuationWay.Prefill) -> (
        request: ChatRequest, untold: Substring
    )? {
        var request = self
        request.begun = nil
        request.isAsWritten = false
        if kind == .completion {
            let prompt = messages.last?.content.text ?? ""
            request.messages = [ChatMessage(.user, prompt + begun.text)]
            return (request, "")
        }
        // A beginning that the client gave itself is continued too.
        if let last = messages.last, last.role == .assistant, last.toolCalls == nil {
            request.messages.removeLast()
            return request.ending(in: last.content.text + begun.text, way)
        }
        return request.ending(in: begun.text, way)
    }

    private func ending(
        in beginning: String, _ way: ContinuationWay.Prefill
    ) -> (request: ChatRequest, untold: Substring)? {
        let end =
            way.mayEndInSpace
            ? beginning.endIndex
            : beginning.lastIndex { !$0.isWhitespace }.map(beginning.index(after:)) ?? beginning.startIndex
        guard end > beginning.startIndex else { return nil }
        var request = self
        request.messages.append(ChatMessage(.assistant, String(beginning[..<end])))
        request.extensions.merge(way.extensions) { _, new in new }
        return (request, beginning[end...])
    }

    /// This request as it was before anything was answered.
    func anew(after begun: PartialAnswer) -> ChatRequest {
        var request = self
        request.begun = nil
        request.isAsWritten = false
        request.sampling.maxTokens = sampling.maxTokens.map { limit in
            let (sum, overflow) = limit.addingReportingOverflow(max(0, begun.tokens))
            return overflow ? .max : sum
        }
        return request
    }

    /// Whether a grammar restricts the answer: in the middle of it, an engine would begin the grammar again.
    var isConstrained: Bool {
        if let tools = extensions["tools"]?.arrayValue, !tools.isEmpty { return true }
        if let format = extensions["response_format"], format["type"] != "text" { return true }
        return Self.constraints.contains { extensions[$0] != nil && extensions[$0] != .null }
    }

    private static let constraints = [
        "format", "functions", "grammar", "guided_choice", "guided_grammar", "guided_json", "guided_regex",
        "json_schema", "structured_outputs",
    ]
}

extension ChatEngine {
    /// Answers; if another engine has begun the answer, continues it in the way that this one supports.
    ///
    /// - Throws: As `Answering.answer(_:)`.
    func answerFromWhereItIs(_ request: ChatRequest) async throws -> ChatAnswer {
        guard let begun = request.begun else { return try await answer(request) }
        if case .prefill(let way) = try await way(for: request), let (told, untold) = request.prefilled(begun, in: way)
        {
            do {
                return try await Self.resumed(
                    answer(told), untold.isEmpty ? .none : .space(SpaceCheck(untold)))
            } catch let failure as ChatError where failure.code == .invalidRequest || failure.code == .unsupported {
                // Some models do not accept the beginning of an answer.
            }
        }
        if begun.isOnlyRead == true { throw ChatError(.cannotContinue, "this engine would have to begin anew") }
        return try await Self.resumed(answer(request.anew(after: begun)), .prefix(PrefixCheck(begun.text), of: begun))
    }

    private func way(for request: ChatRequest) async throws -> ContinuationWay {
        if request.kind == .completion { return .prefill(.init()) }
        return request.isConstrained ? .anew : try await continuationWay(for: request)
    }

    private static func resumed(_ answer: ChatAnswer, _ check: BeginningCheck) throws -> ChatAnswer {
        guard case .events(let stream) = answer else {
            throw ChatError(.invalidAnswer, "a whole answer came where the rest of one was asked for")
        }
        return .events(EngineStream(stream).checked(by: check))
    }
}

/// Compares an answer that is given again with what the client has of it already, and passes on only what follows: a
/// pure value.
struct PrefixCheck: Sendable {
    private var expected: ArraySlice<UInt8>

    init(_ begun: String) { expected = Array(begun.utf8)[...] }

    /// Whether all that the client has was given again.
    var isPassed: Bool { expected.isEmpty }

    /// - Returns: The part of `text` that the client does not have yet; empty if it has all of it.
    /// - Throws: `ChatError` with `cannotContinue` when this is another answer. Bytes are compared: what is merely
    ///   canonically equivalent was not what the client got.
    mutating func take(_ text: String) throws(ChatError) -> String {
        guard !expected.isEmpty else { return text }
        let bytes = text.utf8
        let common = min(bytes.count, expected.count)
        guard bytes.prefix(common).elementsEqual(expected.prefix(common)) else {
            throw ChatError(.cannotContinue, "the engine that was asked instead answers otherwise")
        }
        expected = expected.dropFirst(common)
        return String(decoding: bytes.dropFirst(common), as: UTF8.self)
    }
}

/// Removes white space from the beginning of a continuation, where the client has it already and it could not be sent
/// to the engine: a pure value.
struct SpaceCheck: Sendable {
    private var given: ArraySlice<UInt8>

    init(_ space: some StringProtocol) { given = Array(space.utf8)[...] }

    mutating func take(_ text: String) -> String {
        guard !given.isEmpty, !text.isEmpty else { return text }
        let bytes = text.utf8
        var common = 0
        for (said, had) in zip(bytes, given) {
            guard said == had else { break }
            common += 1
        }
        // Once the engine says something else, no more of this white space follows.
        given = common == bytes.count ? given.dropFirst(common) : []
        return String(decoding: bytes.dropFirst(common), as: UTF8.self)
    }
}

/// What part of a continued answer is new to the client: a pure value.
enum BeginningCheck: Sendable {
    /// The engine was sent the whole answer so far, or there is none.
    case none
    case space(SpaceCheck)
    /// The engine was asked for the whole answer again.
    case prefix(PrefixCheck, of: PartialAnswer)

    /// Whether there is anything to check.
    var isOn: Bool { if case .none = self { false } else { true } }

    /// - Returns: The event as the client gets it.
    /// - Throws: `ChatError` with `cannotContinue` when this is another answer, or it ends before it reaches the
    ///   place where the first broke off.
    mutating func take(_ event: ChatEvent) throws(ChatError) -> ChatEvent {
        switch self {
        case .none: return event
        case .space(var space):
            guard case .delta(var delta) = event else { return event }
            delta.text = space.take(delta.text)
            self = .space(space)
            return .delta(delta)
        case .prefix(var prefix, let begun):
            defer { self = .prefix(prefix, of: begun) }
            return try prefix.take(event, begun)
        }
    }
}

extension PrefixCheck {
    fileprivate mutating func take(_ event: ChatEvent, _ begun: PartialAnswer) throws(ChatError) -> ChatEvent {
        switch event {
        case .waiting, .comment: return event
        case .delta(var delta):
            delta.text = try take(delta.text)
            delta.reasoning = nil  // the client has had the first engine's thoughts
            return delta.text.isEmpty && delta.toolCalls == nil ? .waiting(.reading) : .delta(delta)
        case .finished(let finish, let usage):
            guard isPassed else {
                throw ChatError(.cannotContinue, "the engine that was asked instead has less to say")
            }
            return .finished(finish, usage.remaining(after: begun))
        case .raw, .rawEnd:
            throw ChatError(.cannotContinue, "the rest of an answer came in a form that cannot be compared")
        }
    }
}
