// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What an answer in Anthropic's dialect says of itself, plain or streamed.
package struct AnthropicAnswerHeader: Hashable, Sendable {
    package var id: String
    package var model: String
    /// Whether the client sees what the model thinks.
    package var showsThoughts: Bool
    /// The texts at which the client wanted the answer to end.
    package var stops: [String]
    /// Tokens of the prompt, for as long as the engine has not counted them, and for engines that do not.
    package var estimatedPromptTokens: Int

    package init(
        id: String, model: String, showsThoughts: Bool = true, stops: [String] = [], estimatedPromptTokens: Int = 0
    ) {
        self.id = id
        self.model = model
        self.showsThoughts = showsThoughts
        self.stops = stops
        self.estimatedPromptTokens = estimatedPromptTokens
    }

    package init(_ request: AnthropicMessagesRequest) {
        self.init(
            id: "msg_" + request.chat.id.rawValue, model: request.chat.model?.rawValue ?? "",
            showsThoughts: request.wantsThoughts, stops: request.chat.sampling.stop,
            estimatedPromptTokens: request.chat.estimatedPromptTokens)
    }

    /// A message of this answer; `end` is `nil` for one that has not ended.
    func message(_ content: [JSONValue], end: AnthropicAnswerEnd?, usage: TokenUsage) -> JSONObject {
        [
            "id": .string(id), "type": "message", "role": "assistant", "model": .string(model),
            "content": .array(content), "stop_reason": end?.reason ?? .null, "stop_sequence": end?.sequence ?? .null,
            "usage": .object(self.usage(usage)),
        ]
    }

    /// As Anthropic counts: what was read before, and not again, is told apart.
    func usage(_ usage: TokenUsage) -> JSONObject {
        let prompt = usage.promptTokens > 0 ? usage.promptTokens : max(0, estimatedPromptTokens)
        let cached = min(prompt, TokenUsage.count(usage.details?["prompt_tokens_details"]?["cached_tokens"]))
        let kept = min(prompt - cached, TokenUsage.count(usage.details?[TokenUsage.keptTokens]))
        return [
            "input_tokens": .integer(Int64(prompt - cached - kept)),
            "cache_creation_input_tokens": .integer(Int64(kept)),
            "cache_read_input_tokens": .integer(Int64(cached)),
            "output_tokens": .integer(Int64(max(0, usage.completionTokens))),
        ]
    }

    /// The text at which the answer ended, where the engine says so; few do.
    func matchedStop(_ said: JSONObject) -> String? {
        Self.matches.lazy.compactMap { said[$0]?.stringValue }.first { stops.contains($0) }
    }

    /// vLLM's and SGLang's names for it.
    private static let matches = ["stop_reason", "matched_stop"]
}

/// Why an answer ended, in Anthropic's words.
struct AnthropicAnswerEnd {
    let reason: JSONValue
    let sequence: JSONValue

    /// - Parameters:
    ///   - hasCalls: Whether the answer calls tools: then the client has to go on, whatever the engine calls it.
    ///   - matchedStop: The stop text at which it ended, where that is known.
    init(_ finish: FinishReason, hasCalls: Bool, hasRefused: Bool, matchedStop: String?) {
        var matched: String?
        switch finish {
        case .stop, .toolCalls, .functionCall:
            if hasCalls {
                reason = "tool_use"
            } else if hasRefused {
                reason = "refusal"
            } else {
                matched = matchedStop
                reason = matched == nil ? "end_turn" : "stop_sequence"
            }
        case .length: reason = "max_tokens"
        case .contentFilter: reason = "refusal"
        default: reason = .string(finish.rawValue)  // must not be taken for a clean end
        }
        sequence = matched.map { .string($0) } ?? .null
    }
}

/// The body of a plain answer to `POST /v1/messages`.
package enum AnthropicMessagesAnswer {
    /// The signature under thoughts: clients send it back unchanged, and nobody here looks at it.
    static let signature = "kith"

    /// - Throws: `ChatError` with `invalidAnswer` when the engine calls a tool with what is not a JSON object.
    package static func body(
        header: AnthropicAnswerHeader, message: ChatDelta, finish: FinishReason, usage: TokenUsage
    ) throws -> [UInt8] {
        var content: [JSONValue] = []
        if header.showsThoughts { content += thoughts(of: message) }
        let text = message.text + (message.refusal ?? "")
        if !text.isEmpty { content.append(["type": "text", "text": .string(text)]) }
        let calls = try (message.toolCalls?.arrayValue ?? []).enumerated().compactMap { place, call in
            try self.call(call, place, of: header, mayBeCut: finish == .length)
        }
        content += calls
        let end = AnthropicAnswerEnd(
            finish, hasCalls: !calls.isEmpty, hasRefused: message.refusal != nil,
            matchedStop: header.matchedStop(message.choiceExtra))
        return header.message(content, end: end, usage: usage).jsonBytes
    }

    private static func thoughts(of message: ChatDelta) -> [JSONValue] {
        if let signed = message.extra["thinking_blocks"]?.arrayValue, !signed.isEmpty { return signed }
        guard let thoughts = message.reasoning, !thoughts.isEmpty else { return [] }
        return [["type": "thinking", "thinking": .string(thoughts), "signature": .string(Self.signature)]]
    }

    /// - Parameter mayBeCut: Whether the answer ended at a limit, perhaps in the middle of a call, which then is left out.
    private static func call(
        _ call: JSONValue, _ place: Int, of header: AnthropicAnswerHeader, mayBeCut: Bool
    ) throws -> JSONValue? {
        let function = call["function"]
        guard let input = input(function?["arguments"]), let name = function?["name"]?.stringValue, !name.isEmpty
        else {
            if mayBeCut { return nil }
            throw ChatError(.invalidAnswer, "the engine calls a tool with what is not a JSON object")
        }
        return [
            "type": "tool_use", "id": .string(id(of: call, place, header)), "name": .string(name),
            "input": .object(input),
        ]
    }

    /// The arguments of a call, which engines give as a text; nothing stands for none.
    private static func input(_ arguments: JSONValue?) -> JSONObject? {
        switch arguments {
        case nil, .null?: [:]
        case .object(let members)?: members
        case .string(let text)?:
            text.allSatisfy(\.isWhitespace) ? [:] : JSONValue(json: text)?.objectValue
        default: nil
        }
    }

    /// The engine's name for a call, or one that is made here.
    private static func id(of call: JSONValue, _ place: Int, _ header: AnthropicAnswerHeader) -> String {
        if let id = call["id"]?.stringValue, !id.isEmpty { return id }
        return self.id(ofCall: place, header)
    }

    static func id(ofCall place: Int, _ header: AnthropicAnswerHeader) -> String {
        "toolu_\(header.id.dropFirst("msg_".count))_\(place)"
    }
}
