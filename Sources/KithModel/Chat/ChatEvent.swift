// SPDX-License-Identifier: Apache-2.0

/// What an engine says while it answers.
package enum ChatEvent: Hashable, Sendable {
    /// Nothing yet, and why; keeps waiting clients from giving up.
    case waiting(WaitReason)
    /// The next piece of the answer.
    case delta(ChatDelta)
    /// The end of a whole answer; nothing follows. A stream that ends without it was cut off.
    case finished(FinishReason, TokenUsage)
}

package enum WaitReason: String, Hashable, Sendable, Codable {
    /// All slots are taken; the request stands in the engine's queue.
    case queued
    /// The engine is loading the model.
    case loading
}

/// One piece of an answer; at least one field is set.
package struct ChatDelta: Hashable, Sendable, Codable {
    package var text: String
    /// Thoughts that some models give apart from the answer.
    package var reasoning: String?
    /// Tool calls in OpenAI's streaming form.
    package var toolCalls: JSONValue?

    package init(text: String = "", reasoning: String? = nil, toolCalls: JSONValue? = nil) {
        self.text = text
        self.reasoning = reasoning
        self.toolCalls = toolCalls
    }
}

package enum FinishReason: String, Hashable, Sendable, Codable {
    case stop, length
    case toolCalls = "tool_calls"
    case contentFilter = "content_filter"
}
