// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite("Usage as engines write it")
struct TokenUsageTests {
    @Test(
        "Counts are read in any form, and what is none is 0",
        arguments: [
            (3, 3), (3.0, 3), (nil, 0), ("3", 0), (-1, 0), (1e300, 0), (2.5, 2), ([], 0),
        ] as [(JSONValue, Int)])
    func counts(_ value: JSONValue, _ count: Int) {
        #expect(TokenUsage(openAI: ["prompt_tokens": value]).promptTokens == count)
    }

    @Test("What else is counted is kept, in its order")
    func details() {
        let written: JSONObject = [
            "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5,
            "prompt_tokens_details": ["cached_tokens": 1], "cost": 0.25,
        ]
        let usage = TokenUsage(openAI: written)
        #expect(usage.details?.keys == ["prompt_tokens_details", "cost"])
        #expect(usage.openAI == written)
        #expect(TokenUsage(openAI: ["prompt_tokens": 3]).details == nil)
    }

    @Test("A finish reason that is not known stays what it is")
    func finish() {
        #expect(FinishReason(rawValue: "eos_token") != .stop)
        #expect(!FinishReason(rawValue: "eos_token").isKnown)
        #expect(FinishReason.stop.isKnown)
    }
}
