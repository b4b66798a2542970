// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Reads the server-sent events of Anthropic's messages API.
///
/// A value: bytes or events in, what they mean out. Thoughts become reasoning, tool uses become calls in OpenAI's streaming
/// form. Thoughts that are signed follow whole when they are complete, so that they can go back to the engine unchanged.
package struct AnthropicStreamDecoder: Sendable {
    private var framing = EventFraming(limit: LineDecoder.defaultLimit)
    private var thoughts = AnthropicThoughts()
    private var finish: FinishReason?
    private var promptTokens = 0
    private var cachedTokens = 0
    /// Tokens that were written to the cache.
    private var keptTokens = 0
    private var completionTokens = 0
    /// Places of the tool uses among the content blocks, in the order in which they came.
    private var toolBlocks: [Int] = []
    private var isDone = false

    package init() {}

    /// - Parameter events: Receives what the bytes add to the answer, including what came before a failure.
    /// - Throws: As ``take(_:)``.
    package mutating func feed(_ bytes: some Collection<UInt8>, into events: inout [ChatEvent]) throws {
        // Taken out, so that it and the rest can change at the same time.
        var framing = EventFraming(limit: LineDecoder.defaultLimit)
        swap(&framing, &self.framing)
        defer { self.framing = framing }
        try Array(bytes).withUnsafeBufferPointer { buffer in
            try framing.feed(buffer) { item in
                switch item {
                case .comment(let words): if !isDone { events.append(.comment(words)) }
                case .event(let event):
                    events += try take(
                        ServerSentEvent(name: event.name, data: String(decoding: event.data, as: UTF8.self)))
                }
            }
        }
    }

    /// - Throws: `ChatError` with `invalidAnswer` for anything but an event of this dialect, and for an error that the API
    ///   reports in the stream with the code of its kind.
    package mutating func take(_ event: ServerSentEvent) throws -> [ChatEvent] {
        guard !isDone, !event.data.allSatisfy(\.isWhitespace) else { return [] }
        guard let value = try? JSONValue(parsing: event.data.utf8), let type = value["type"]?.stringValue else {
            throw ChatError(.invalidAnswer, "the engine's stream holds what is not an Anthropic event")
        }
        note(value["message"]?["usage"])
        note(value["usage"])
        switch type {
        case "content_block_start": return start(value)
        case "content_block_delta": return delta(value)
        case "content_block_stop":
            guard let block = thoughts.end() else { return [] }
            return [.delta(ChatDelta(extra: [AnthropicExtras.thoughts: [block]]))]
        case "message_delta": return close(value["delta"])
        case "message_stop": return try end()
        case "error": throw Self.failure(value)
        default: return []  // ping, and kinds to come
        }
    }

    /// Call when the body has ended.
    ///
    /// - Throws: `ChatError` with `interrupted` when the answer is not whole.
    package mutating func end() throws -> [ChatEvent] {
        guard !isDone else { return [] }
        isDone = true
        guard let finish else { throw ChatError(.interrupted, "the engine's answer ended before it was whole") }
        var details: JSONObject = [:]
        if cachedTokens > 0 {
            details["prompt_tokens_details"] = ["cached_tokens": .integer(Int64(cachedTokens))]
        }
        if keptTokens > 0 { details[TokenUsage.keptTokens] = .integer(Int64(keptTokens)) }
        return [
            .finished(
                finish,
                TokenUsage(
                    promptTokens: promptTokens, completionTokens: completionTokens,
                    details: details.isEmpty ? nil : details))
        ]
    }

    private mutating func note(_ usage: JSONValue?) {
        guard let usage else { return }
        if let input = usage["input_tokens"], !input.isNull {
            cachedTokens = TokenUsage.count(usage["cache_read_input_tokens"])
            keptTokens = TokenUsage.count(usage[TokenUsage.keptTokens])
            promptTokens = [TokenUsage.count(input), cachedTokens, keptTokens].reduce(0) { sum, count in
                let (next, overflow) = sum.addingReportingOverflow(count)
                return overflow ? .max : next
            }
        }
        if let output = usage["output_tokens"], !output.isNull { completionTokens = TokenUsage.count(output) }
    }

    private mutating func start(_ event: JSONValue) -> [ChatEvent] {
        let block = event["content_block"]
        switch block?["type"]?.stringValue {
        case "text": return text(block?["text"]?.stringValue)
        case "thinking":
            thoughts.begin(signature: block?["signature"]?.stringValue)
            return thought(block?["thinking"]?.stringValue)
        case "redacted_thinking":
            guard let data = block?["data"]?.stringValue else { return [] }
            thoughts.begin(hidden: data)
            return []
        case "tool_use":
            guard let index = event["index"]?.intValue else { return [] }
            toolBlocks.append(index)
            return call(
                toolBlocks.count - 1,
                [
                    "id": block?["id"] ?? "", "type": "function",
                    "function": ["name": block?["name"] ?? "", "arguments": ""],
                ])
        default: return []
        }
    }

    private mutating func delta(_ event: JSONValue) -> [ChatEvent] {
        let delta = event["delta"]
        switch delta?["type"]?.stringValue {
        case "text_delta": return text(delta?["text"]?.stringValue)
        case "thinking_delta": return thought(delta?["thinking"]?.stringValue)
        case "signature_delta":
            thoughts.sign(delta?["signature"]?.stringValue)
            return []
        case "input_json_delta":
            guard let json = delta?["partial_json"]?.stringValue, !json.isEmpty,
                let place = toolBlocks.firstIndex(where: { $0 == event["index"]?.intValue })
            else { return [] }
            return call(place, ["function": ["arguments": .string(json)]])
        default: return []
        }
    }

    private mutating func thought(_ words: String?) -> [ChatEvent] {
        guard let words, !words.isEmpty else { return [] }
        thoughts.add(words)
        return [.delta(ChatDelta(reasoning: words))]
    }

    /// Why the answer ends; the text at which it does, under SGLang's name for it.
    private mutating func close(_ delta: JSONValue?) -> [ChatEvent] {
        guard let reason = delta?["stop_reason"]?.stringValue else { return [] }
        finish = Self.finish(reason)
        guard let text = delta?["stop_sequence"]?.stringValue, !text.isEmpty else { return [] }
        return [.delta(ChatDelta(choiceExtra: ["matched_stop": .string(text)]))]
    }

    private func text(_ text: String?) -> [ChatEvent] {
        guard let text, !text.isEmpty else { return [] }
        return [.delta(ChatDelta(text: text))]
    }

    private func call(_ place: Int, _ fields: JSONObject) -> [ChatEvent] {
        var fields = fields
        fields.updateFirst(.integer(Int64(place)), forKey: "index")
        return [.delta(ChatDelta(toolCalls: .array([.object(fields)])))]
    }

    /// Anthropic's reason in OpenAI's words; an unknown word stays as it is.
    private static func finish(_ reason: String) -> FinishReason {
        switch reason {
        case "end_turn", "stop_sequence": .stop
        case "max_tokens", "model_context_window_exceeded": .length
        case "tool_use": .toolCalls
        case "refusal": .contentFilter
        default: FinishReason(rawValue: reason)
        }
    }

    private static func failure(_ event: JSONValue) -> ChatError {
        let complaint = EngineComplaint(error: event["error"] ?? .null)
        let code: ChatError.Code =
            switch complaint.type {
            case "overloaded_error": .overloaded
            case "rate_limit_error": .rateLimited
            case "invalid_request_error", "request_too_large": .invalidRequest
            case "authentication_error", "permission_error", "billing_error": .unauthorized
            case "not_found_error": .modelNotFound
            default: .engineError
            }
        return complaint.failure(code)
    }
}

/// Anthropic's answer to `GET /v1/models`, as far as this node reads it.
package struct AnthropicModelList: Decodable, Sendable {
    package struct Model: Decodable, Sendable { package var id: String }

    package var data: [Model]
}
