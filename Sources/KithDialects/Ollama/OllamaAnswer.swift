// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What an answer in Ollama's dialect says of itself, plain or streamed.
package struct OllamaAnswerHeader: Hashable, Sendable {
    package var route: OllamaRoute
    package var model: String
    /// Whether the client sees what the model thinks.
    package var showsThoughts: Bool
    /// Tokens of the prompt, for engines that do not count them.
    package var estimatedPromptTokens: Int

    package init(route: OllamaRoute, model: String, showsThoughts: Bool = true, estimatedPromptTokens: Int = 0) {
        self.route = route
        self.model = model
        self.showsThoughts = showsThoughts
        self.estimatedPromptTokens = estimatedPromptTokens
    }

    package init(_ request: OllamaChatRequest) {
        self.init(
            route: request.route, model: request.model, showsThoughts: request.showsThoughts,
            estimatedPromptTokens: request.chat.estimatedPromptTokens)
    }

    /// A piece of the answer, or all of it.
    func piece(
        text: String = "", thoughts: String? = nil, calls: [JSONValue] = [], logprobs: JSONValue? = nil,
        at time: WallTime
    ) -> JSONObject {
        var piece: JSONObject = ["model": .string(model), "created_at": .string(time.rfc3339)]
        switch route {
        case .chat:
            var message: JSONObject = ["role": "assistant", "content": .string(text)]
            message["thinking"] = thoughts.map { .string($0) }
            if !calls.isEmpty { message["tool_calls"] = .array(calls) }
            piece["message"] = .object(message)
        case .generate:
            piece["response"] = .string(text)
            piece["thinking"] = thoughts.map { .string($0) }
        }
        piece["logprobs"] = logprobs
        piece["done"] = false
        return piece
    }

    /// The last piece, or all of a plain answer.
    func end(
        _ piece: JSONObject, _ finish: FinishReason, _ usage: TokenUsage, _ times: OllamaTimes
    ) -> JSONObject {
        var end = piece
        end["done"] = true
        end["done_reason"] = .string(Self.reason(finish))
        let prompt = usage.promptTokens > 0 ? usage.promptTokens : max(0, estimatedPromptTokens)
        end["total_duration"] = .integer(times.total.wholeNanoseconds)
        end["load_duration"] = .integer(times.load.wholeNanoseconds)
        end["prompt_eval_count"] = .integer(Int64(prompt))
        end["prompt_eval_duration"] = .integer(times.prompt.wholeNanoseconds)
        end["eval_count"] = .integer(Int64(max(0, usage.completionTokens)))
        end["eval_duration"] = .integer(times.answer.wholeNanoseconds)
        return end
    }

    /// Calls of tools end an answer as any other end does; a word that is unknown must not be taken for a clean end.
    private static func reason(_ finish: FinishReason) -> String {
        switch finish {
        case .stop, .toolCalls, .functionCall: "stop"
        default: finish.rawValue
        }
    }

    /// What the client sees of an engine's log probabilities: both dialects write them in the same way.
    static func logprobs(_ said: JSONObject) -> JSONValue? {
        guard let list = said["logprobs"]?["content"], case .array(let tokens) = list, !tokens.isEmpty else {
            return nil
        }
        return list
    }

    func visible(_ thoughts: String?) -> String? {
        guard showsThoughts, let thoughts, !thoughts.isEmpty else { return nil }
        return thoughts
    }
}

/// How long the parts of an answer took. Clients divide by the last two, so none of them is zero.
package struct OllamaTimes: Hashable, Sendable {
    package var total: Duration
    /// Until an engine began.
    package var load: Duration
    package var prompt: Duration
    package var answer: Duration

    /// Of a stream, whose first piece tells reading from writing.
    package init(total: Duration, first: Duration) {
        self.total = Self.some(total)
        load = .zero
        prompt = Self.some(min(first, total))
        answer = Self.some(total - first)
    }

    /// Of a plain answer: the engine's time is shared out by tokens, since nothing tells its parts apart.
    ///
    /// - Parameter usage: Its engine time is a part of `total`; without one, all of it is taken for the engine's.
    package init(total: Duration, usage: TokenUsage) {
        self.total = Self.some(total)
        let engine = min(usage.engineTime ?? total, total)
        load = max(.zero, total - engine)
        let made = Double(max(1, usage.completionTokens))
        let share = made / (made + Double(max(0, usage.promptTokens)))
        answer = Self.some(engine * share)
        prompt = Self.some(engine - engine * share)
    }

    private static func some(_ duration: Duration) -> Duration { max(duration, .nanoseconds(1)) }
}

extension Duration {
    /// Stops at the end of the type instead of overflowing.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : whole.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }
}

/// The bodies of answers that are not streamed.
package enum OllamaAnswer {
    /// - Throws: `ChatError` with `invalidAnswer` when the engine calls a tool with what is not a JSON object.
    package static func body(
        header: OllamaAnswerHeader, message: ChatDelta, finish: FinishReason, usage: TokenUsage, times: OllamaTimes,
        at time: WallTime
    ) throws -> [UInt8] {
        let piece = header.piece(
            text: message.text + (message.refusal ?? ""), thoughts: header.visible(message.reasoning),
            calls: try calls(message.toolCalls, mayBeCut: finish == .length),
            logprobs: OllamaAnswerHeader.logprobs(message.choiceExtra), at: time)
        return header.end(piece, finish, usage, times).jsonBytes
    }

    /// The answer to a request without a prompt.
    package static func body(
        header: OllamaAnswerHeader, handling: OllamaChatRequest.Handling, at time: WallTime
    ) -> [UInt8] {
        var piece = header.piece(at: time)
        piece["done"] = true
        piece["done_reason"] = .string(handling.rawValue)
        return piece.jsonBytes
    }

    /// Whole calls in Ollama's form, whose arguments are objects.
    ///
    /// - Parameter mayBeCut: Whether the answer ended at a limit, perhaps in the middle of a call, which then is left out.
    static func calls(_ calls: JSONValue?, mayBeCut: Bool) throws(ChatError) -> [JSONValue] {
        var whole: [JSONValue] = []
        for call in calls?.arrayValue ?? [] {
            let function = call["function"]
            guard let name = function?["name"]?.stringValue, !name.isEmpty,
                let arguments = arguments(function?["arguments"])
            else {
                if mayBeCut { continue }
                throw ChatError(.invalidAnswer, "the engine calls a tool with what is not a JSON object")
            }
            var members: JSONObject = [:]
            members["id"] = call["id"]
            members["function"] = [
                "index": .integer(Int64(whole.count)), "name": .string(name), "arguments": .object(arguments),
            ]
            whole.append(.object(members))
        }
        return whole
    }

    /// Engines give a text; nothing stands for no arguments.
    private static func arguments(_ arguments: JSONValue?) -> JSONObject? {
        switch arguments {
        case nil, .null?: [:]
        case .object(let members)?: members
        case .string(let text)?: text.allSatisfy(\.isWhitespace) ? [:] : JSONValue(json: text)?.objectValue
        default: nil
        }
    }
}
