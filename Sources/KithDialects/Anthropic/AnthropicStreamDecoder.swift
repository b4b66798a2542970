// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Reads the server-sent events of Anthropic's messages API.
///
/// A value: bytes or events in, what they mean out. Thoughts become reasoning, tool uses become calls in OpenAI's streaming
/// form.
package struct AnthropicStreamDecoder: Sendable {
    private var framing = EventFraming(limit: LineDecoder.defaultLimit)
    private var finish: FinishReason?
    private var promptTokens = 0
    private var cachedTokens = 0
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

    /// - Throws: `ChatError` with `invalidAnswer` for anything but an event of this dialect, and with `overloaded` or
    ///   `engineError` for an error that the API reports in the stream.
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
        case "message_delta":
            if let reason = value["delta"]?["stop_reason"]?.stringValue { finish = Self.finish(reason) }
            return []
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
        let details: JSONObject? =
            cachedTokens > 0
            ? ["prompt_tokens_details": ["cached_tokens": .integer(Int64(cachedTokens))]] : nil
        return [
            .finished(
                finish,
                TokenUsage(promptTokens: promptTokens, completionTokens: completionTokens, details: details))
        ]
    }

    private mutating func note(_ usage: JSONValue?) {
        guard let usage else { return }
        if let input = usage["input_tokens"], !input.isNull {
            cachedTokens = TokenUsage.count(usage["cache_read_input_tokens"])
            promptTokens = [
                TokenUsage.count(input), cachedTokens, TokenUsage.count(usage["cache_creation_input_tokens"]),
            ]
            .reduce(0) { sum, count in
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

    private func delta(_ event: JSONValue) -> [ChatEvent] {
        let delta = event["delta"]
        switch delta?["type"]?.stringValue {
        case "text_delta": return text(delta?["text"]?.stringValue)
        case "thinking_delta":
            guard let thinking = delta?["thinking"]?.stringValue, !thinking.isEmpty else { return [] }
            return [.delta(ChatDelta(reasoning: thinking))]
        case "input_json_delta":
            guard let json = delta?["partial_json"]?.stringValue, !json.isEmpty,
                let place = toolBlocks.firstIndex(where: { $0 == event["index"]?.intValue })
            else { return [] }
            return call(place, ["function": ["arguments": .string(json)]])
        default: return []
        }
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
        let isLoad = complaint.type == "overloaded_error" || complaint.type == "rate_limit_error"
        return complaint.failure(isLoad ? .overloaded : .engineError)
    }
}

/// Anthropic's answer to `GET /v1/models`, as far as this node reads it.
package struct AnthropicModelList: Decodable, Sendable {
    package struct Model: Decodable, Sendable { package var id: String }

    package var data: [Model]
}
