// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing
@testable import KithInference

@Suite("How much too long an engine says that a prompt is")
struct PromptExcessTests {
    @Test(
        "Both lengths are found in the words of each server",
        arguments: [
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please",
            "This model's maximum context length is 8192 tokens. However, you requested 9500 tokens (9000 in the messages, 500",
            "This model's maximum context length is 8192 tokens. However, your request has 9000 input tokens. Please reduce",
            "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
            "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
            "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length "
                + "of only 8192 tokens",
            "prompt is too long: 9000 tokens > 8192 maximum",
        ])
    func found(words: String) {
        #expect(PromptExcess(said: words) == PromptExcess(tokens: 9_000, limit: 8_192))
    }

    @Test(
        "Other words say nothing of it",
        arguments: [
            "", "no", "prompt is too long", "maximum context length is many tokens",
            "maximum context length is 99999999999999999999 tokens, messages resulted in 5 tokens",
            "'max_tokens' is too large: 32000. This model's maximum context length is 8192 tokens and your request has 20 "
                + "input tokens (32000 > 8192 - 20).",
        ])
    func other(words: String) { #expect(PromptExcess(said: words) == nil) }
}
