// SPDX-License-Identifier: Apache-2.0

import KithModel

extension ChatRequest {
    /// This request with what is there already as the beginning of the answer.
    ///
    /// - Returns: The request, and the white space at the end of the beginning that the engine is not told; `nil` when there
    ///   is no text to begin with.
    func prefilled(_ begun: BegunAnswer, in way: ContinuationWay.Prefill) -> (request: ChatRequest, untold: Substring)?
    {
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
    func anew(after begun: BegunAnswer) -> ChatRequest {
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
            } catch let failure as ChatFailure where failure.code == .invalidRequest || failure.code == .unsupported {
                // Some models do not let their answers be begun for them.
            }
        }
        if begun.isOnlyRead == true { throw ChatFailure(.cannotContinue, "this engine would have to begin anew") }
        return try await Self.resumed(answer(request.anew(after: begun)), .prefix(PrefixCheck(begun.text), of: begun))
    }

    private func way(for request: ChatRequest) async throws -> ContinuationWay {
        if request.kind == .completion { return .prefill(.init()) }
        return request.isConstrained ? .anew : try await continuationWay(for: request)
    }

    private static func resumed(_ answer: ChatAnswer, _ check: BeginningCheck) throws -> ChatAnswer {
        guard case .events(let stream) = answer else {
            throw ChatFailure(.invalidAnswer, "a whole answer came where the rest of one was asked for")
        }
        return .events(EngineStream(stream).checked(by: check))
    }
}
