// SPDX-License-Identifier: Apache-2.0

import KithModel

extension ChatRequest {
    /// This request with what is there already as the beginning of the answer.
    ///
    /// - Returns: The request, and the white space at the end of the beginning that the engine is not told; `nil` when there
    ///   is no text to begin with.
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
        // A client that gave a beginning itself has it gone on with too.
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

    /// Whether the form of the answer is held to a grammar, which an engine would begin anew in the middle.
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
    /// Answers; where another engine has begun to, goes on in the way that this one can.
    ///
    /// - Throws: As ``Answering/answer(_:)``.
    func answerFromWhereItIs(_ request: ChatRequest) async throws -> ChatAnswer {
        guard let begun = request.begun else { return try await answer(request) }
        if case .prefill(let way) = try await way(for: request), let (told, untold) = request.prefilled(begun, in: way)
        {
            do {
                return try await Self.resumed(
                    answer(told), untold.isEmpty ? .none : .space(SpaceCheck(untold)))
            } catch let failure as ChatError where failure.code == .invalidRequest || failure.code == .unsupported {
                // Some models do not let their answers be begun for them.
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

/// Compares an answer that is given anew with what the client has of it already, and lets through only what comes after:
/// a pure value.
struct PrefixCheck: Sendable {
    private var expected: ArraySlice<UInt8>

    init(_ begun: String) { expected = Array(begun.utf8)[...] }

    /// Whether all that the client has was said again.
    var isPassed: Bool { expected.isEmpty }

    /// - Returns: What of `text` the client has not got; empty while it has.
    /// - Throws: ``ChatError`` with `cannotContinue` when this is another answer. Bytes are compared: what is merely
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

/// Takes white space from the beginning of what goes on, where the client has it already and the engine could not be told:
/// a pure value.
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
        // Once the engine says something else, all that it would say of it has been said.
        given = common == bytes.count ? given.dropFirst(common) : []
        return String(decoding: bytes.dropFirst(common), as: UTF8.self)
    }
}

/// What of an answer that goes on with another's beginning is new to the client: a pure value.
enum BeginningCheck: Sendable {
    /// The engine was told all that is there, or nothing is.
    case none
    case space(SpaceCheck)
    /// The engine was asked anew.
    case prefix(PrefixCheck, of: PartialAnswer)

    /// Whether there is anything to check.
    var isOn: Bool { if case .none = self { false } else { true } }

    /// - Returns: What the event is to the client.
    /// - Throws: ``ChatError`` with `cannotContinue` when the answer is another, or over before it was where the first was.
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
