// SPDX-License-Identifier: Apache-2.0

/// What Anthropic's dialect says of a message and OpenAI's has no word for. It stands beside the message, so that an engine
/// of Anthropic's dialect gets it back unchanged.
enum AnthropicExtras {
    /// Thoughts with the signatures that came with them, as Anthropic's blocks. LiteLLM's name for it, whose clients give
    /// the member back.
    static let thoughts = "thinking_blocks"
    /// Whether the result of a tool is a failure.
    static let isError = "is_error"
}
