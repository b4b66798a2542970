// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite("The pieces of an answer are put together")
struct DeltaJoinerTests {
    @Test("All that the pieces hold is in the whole")
    func whole() {
        var joiner = DeltaJoiner(limit: 10_000)
        let pieces = [
            ChatDelta(text: "a", reasoning: "x"), ChatDelta(text: "b", reasoning: "y"), ChatDelta(refusal: "I "),
            ChatDelta(refusal: "won't"),
            ChatDelta(toolCalls: [
                ["index": 0, "id": "1", "type": "function", "function": ["name": "f", "arguments": "{\"a\""]],
                ["index": 1, "id": "2", "function": ["name": "g", "arguments": ""]],
            ]),
            ChatDelta(toolCalls: [["index": 1, "function": ["arguments": "{}"]]]),
            ChatDelta(toolCalls: [["index": 0, "id": "", "function": ["name": nil, "arguments": ":1}"]]]),
            ChatDelta(extra: ["annotations": [1], "audio": ["id": "i", "data": "AA"]]),
            ChatDelta(extra: ["annotations": [2], "audio": ["data": "BB", "expires_at": 5]]),
            ChatDelta(choiceExtra: ["logprobs": ["content": [["token": "a"]]]]),
            ChatDelta(choiceExtra: ["logprobs": ["content": [["token": "b"]]]]),
        ]
        for piece in pieces {
            let isAdded = joiner.add(piece)
            #expect(isAdded)
        }
        #expect(
            joiner.joined
                == ChatDelta(
                    text: "ab", reasoning: "xy", refusal: "I won't",
                    toolCalls: [
                        ["id": "1", "type": "function", "function": ["name": "f", "arguments": "{\"a\":1}"]],
                        ["id": "2", "function": ["name": "g", "arguments": "{}"]],
                    ],
                    extra: ["annotations": [1, 2], "audio": ["id": "i", "data": "AABB", "expires_at": 5]],
                    choiceExtra: ["logprobs": ["content": [["token": "a"], ["token": "b"]]]]))
    }

    @Test("What no piece holds is not in the whole")
    func nothing() {
        var joiner = DeltaJoiner(limit: 100)
        _ = joiner.add(ChatDelta(text: "a"))
        #expect(joiner.joined == ChatDelta(text: "a"))
        #expect(joiner.joined.toolCalls == nil)
    }

    @Test("Everything counts towards the limit", arguments: ["text", "reasoning", "refusal", "arguments", "extra"])
    func limit(what: String) {
        let text = String(repeating: "x", count: 1_000)
        let piece =
            switch what {
            case "text": ChatDelta(text: text)
            case "reasoning": ChatDelta(reasoning: text)
            case "refusal": ChatDelta(refusal: text)
            case "arguments": ChatDelta(toolCalls: [["index": 0, "function": ["arguments": .string(text)]]])
            default: ChatDelta(extra: ["audio": ["data": .string(text)]])
            }
        var joiner = DeltaJoiner(limit: 10_000)
        var added = 0
        while added < 100, joiner.add(piece) { added += 1 }
        #expect((8...10).contains(added))
    }

    @Test("Many pieces are joined in time that grows with their number only")
    func linear() {
        let piece = ChatDelta(
            toolCalls: [["index": 0, "function": ["arguments": "0123456789"]]], extra: ["audio": ["data": "0123456789"]]
        )
        func join(_ count: Int) -> Duration {
            (0..<3).map { _ in
                ContinuousClock().measure {
                    var joiner = DeltaJoiner(limit: .max)
                    for _ in 0..<count { _ = joiner.add(piece) }
                    #expect(joiner.joined.toolCalls?.arrayValue?.count == 1)
                }
            }.min() ?? .zero
        }
        _ = join(1_000)
        let few = join(2_000)
        #expect(join(40_000) < few * 100)
    }

    @Test("What is no piece of a call is left out, and calls are bounded")
    func hostile() {
        var joiner = ToolCallJoiner()
        for piece in [3, "text", nil, [1]] as [JSONValue] { joiner.add(piece) }
        #expect(joiner.isEmpty)
        for index in 0..<5_000 { joiner.add(["index": .integer(Int64(index) * 1_000_003 - 7)]) }
        #expect(joiner.calls.count == 1_024)
    }
}
