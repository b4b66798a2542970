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
            return request.ending(in: last.content.text + begun.text, after: begun.reasoning, way)
        }
        return request.ending(in: begun.text, after: begun.reasoning, way)
    }

    private func ending(
        in beginning: String, after thoughts: String?, _ way: ContinuationWay.Prefill
    ) -> (request: ChatRequest, untold: Substring)? {
        let end =
            way.mayEndInSpace
            ? beginning.endIndex
            : beginning.lastIndex { !$0.isWhitespace }.map(beginning.index(after:)) ?? beginning.startIndex
        guard end > beginning.startIndex else { return nil }
        var request = self
        var message = ChatMessage(.assistant, String(beginning[..<end]))
        if let thoughts, !thoughts.isEmpty { message.extra["reasoning_content"] = .string(thoughts) }
        request.messages.append(message)
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

    /// Whether a grammar restricts the answer from its first token: in the middle of it, an engine would begin the grammar
    /// again. Tools that the model may use or not restrict nothing before a call.
    var isConstrained: Bool {
        if mustCall { return true }
        if let format = extensions["response_format"], format["type"] != "text" { return true }
        return Self.constraints.contains { extensions[$0] != nil && extensions[$0] != .null }
    }

    private var mustCall: Bool {
        ["tool_choice", "function_call"].contains { name in
            switch extensions[name] {
            case nil, .null?, "auto"?, "none"?: false
            default: true
            }
        }
    }

    private static let constraints = [
        "format", "grammar", "guided_choice", "guided_grammar", "guided_json", "guided_regex",
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
        return try await Self.resumed(answer(request.anew(after: begun)), .all(AnswerCheck(begun), of: begun))
    }

    private func way(for request: ChatRequest) async throws -> ContinuationWay {
        if request.kind == .completion { return .prefill(.init()) }
        // No chat interface lets a call begin in its middle.
        if let calls = request.begun?.calls, !calls.isEmpty { return .anew }
        return request.isConstrained ? .anew : try await continuationWay(for: request)
    }

    private static func resumed(_ answer: ChatAnswer, _ check: BeginningCheck) throws -> ChatAnswer {
        guard case .events(let stream) = answer else {
            throw ChatError(.invalidAnswer, "a whole answer came where the rest of one was asked for")
        }
        return .events(EngineStream(stream).checked(by: check))
    }
}
