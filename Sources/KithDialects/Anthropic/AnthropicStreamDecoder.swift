// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Reads the server-sent events of Anthropic's messages API.
///
/// A value: events in, what they mean out. Thoughts become reasoning, tool uses become calls in OpenAI's streaming form.
package struct AnthropicStreamDecoder: Sendable {
    private var finish: FinishReason?
    private var promptTokens = 0
    private var completionTokens = 0
    /// Places of the tool uses among the content blocks, in the order in which they came.
    private var toolBlocks: [Int] = []
    private var isDone = false

    package init() {}

    /// - Throws: ``ChatFailure`` with `invalidAnswer` for what is not an event of this dialect, and with `overloaded` or
    ///   `engineError` for an error that the API reports in the stream.
    package mutating func take(_ event: ServerSentEvent) throws -> [ChatEvent] {
        guard !isDone else { return [] }
        guard let event = try? JSONBody.decode(AnthropicEvent.self, from: event.data.utf8) else {
            throw ChatFailure(.invalidAnswer, "the engine's stream holds what is not an Anthropic event")
        }
        note(event.message?.usage)
        note(event.usage)
        switch event.type {
        case "content_block_start": return start(event)
        case "content_block_delta": return delta(event)
        case "message_delta":
            if let reason = event.delta?.stopReason { finish = Self.finish(reason) }
            return []
        case "message_stop": return try end()
        case "error": throw Self.failure(event.error)
        default: return []  // ping, and kinds to come
        }
    }

    /// Call when the body has ended.
    ///
    /// - Throws: ``ChatFailure`` with `interrupted` when the answer is not whole.
    package mutating func end() throws -> [ChatEvent] {
        guard !isDone else { return [] }
        isDone = true
        guard let finish else { throw ChatFailure(.interrupted, "the engine's answer ended before it was whole") }
        return [.finished(finish, TokenUsage(promptTokens: promptTokens, completionTokens: completionTokens))]
    }

    private mutating func note(_ usage: AnthropicEvent.Usage?) {
        guard let usage else { return }
        if let input = usage.inputTokens {
            promptTokens = [input, usage.cacheReadTokens ?? 0, usage.cacheCreationTokens ?? 0]
                .reduce(0) { $0.addingReportingOverflow($1).partialValue }
        }
        if let output = usage.outputTokens { completionTokens = output }
    }

    private mutating func start(_ event: AnthropicEvent) -> [ChatEvent] {
        guard let block = event.contentBlock else { return [] }
        switch block.type {
        case "text": return text(block.text)
        case "tool_use":
            guard let index = event.index else { return [] }
            toolBlocks.append(index)
            return call(
                toolBlocks.count - 1,
                [
                    "id": .string(block.id ?? ""), "type": "function",
                    "function": ["name": .string(block.name ?? ""), "arguments": ""],
                ])
        default: return []
        }
    }

    private func delta(_ event: AnthropicEvent) -> [ChatEvent] {
        guard let delta = event.delta else { return [] }
        switch delta.type {
        case "text_delta": return text(delta.text)
        case "thinking_delta":
            guard let thinking = delta.thinking, !thinking.isEmpty else { return [] }
            return [.delta(ChatDelta(reasoning: thinking))]
        case "input_json_delta":
            guard let json = delta.partialJSON, !json.isEmpty,
                let place = toolBlocks.firstIndex(where: { $0 == event.index })
            else { return [] }
            return call(place, ["function": ["arguments": .string(json)]])
        default: return []
        }
    }

    private func text(_ text: String?) -> [ChatEvent] {
        guard let text, !text.isEmpty else { return [] }
        return [.delta(ChatDelta(text: text))]
    }

    private func call(_ place: Int, _ fields: [String: JSONValue]) -> [ChatEvent] {
        var fields = fields
        fields["index"] = .integer(Int64(place))
        return [.delta(ChatDelta(toolCalls: .array([.object(fields)])))]
    }

    private static func finish(_ reason: String) -> FinishReason {
        switch reason {
        case "max_tokens", "model_context_window_exceeded": .length
        case "tool_use": .toolCalls
        case "refusal": .contentFilter
        default: .stop
        }
    }

    private static func failure(_ error: AnthropicEvent.Failure?) -> ChatFailure {
        let message = "the engine reports: \((error?.message ?? "an error").prefix(500))"
        let isLoad = error?.type == "overloaded_error" || error?.type == "rate_limit_error"
        return ChatFailure(isLoad ? .overloaded : .engineError, message)
    }
}

/// All events of the API, as far as this node reads them.
private struct AnthropicEvent: Decodable {
    struct Usage: Decodable {
        var inputTokens: Int?
        var outputTokens: Int?
        var cacheReadTokens: Int?
        var cacheCreationTokens: Int?

        private enum CodingKeys: String, CodingKey {
            case inputTokens = "input_tokens"
            case outputTokens = "output_tokens"
            case cacheReadTokens = "cache_read_input_tokens"
            case cacheCreationTokens = "cache_creation_input_tokens"
        }
    }

    struct Message: Decodable { var usage: Usage? }

    struct Block: Decodable {
        var type: String
        var id: String?
        var name: String?
        var text: String?
    }

    struct Delta: Decodable {
        var type: String?
        var text: String?
        var thinking: String?
        var partialJSON: String?
        var stopReason: String?

        private enum CodingKeys: String, CodingKey {
            case type, text, thinking
            case partialJSON = "partial_json"
            case stopReason = "stop_reason"
        }
    }

    struct Failure: Decodable {
        var type: String?
        var message: String?
    }

    var type: String
    var message: Message?
    var index: Int?
    var contentBlock: Block?
    var delta: Delta?
    var usage: Usage?
    var error: Failure?

    private enum CodingKeys: String, CodingKey {
        case type, message, index, delta, usage, error
        case contentBlock = "content_block"
    }
}
