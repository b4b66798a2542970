// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

@Suite("Answers put together")
struct AnswerCollectorTests {
    private let end = ChatEvent.finished(.stop, TokenUsage(promptTokens: 1, completionTokens: 2))

    private func collect(_ events: [ChatEvent]) throws -> WholeAnswer? {
        var collector = AnswerCollector()
        for event in events {
            if let whole = try collector.add(event) { return whole }
        }
        return nil
    }

    @Test("Text and reasoning are joined in order, signs of waiting are left out")
    func text() throws {
        let whole = try collect([
            .waiting(.queued), .delta(ChatDelta(text: "a", reasoning: "x")), .delta(ChatDelta(text: "b")),
            .delta(ChatDelta(reasoning: "y")), end,
        ])
        #expect(whole?.message.text == "ab")
        #expect(whole?.message.reasoning == "xy")
    }

    @Test("The pieces of a streamed tool call become one call")
    func toolCalls() throws {
        let whole = try collect([
            .delta(
                ChatDelta(toolCalls: [
                    ["index": 0, "id": "c1", "type": "function", "function": ["name": "f", "arguments": "{\"a\""]]
                ])),
            .delta(ChatDelta(toolCalls: [["index": 0, "function": ["arguments": ":1}"]]])),
            .delta(
                ChatDelta(toolCalls: [
                    ["index": 1, "id": "c2", "type": "function", "function": ["name": "g", "arguments": "{}"]]
                ])),
            end,
        ])
        #expect(
            whole?.message.toolCalls == [
                ["id": "c1", "type": "function", "function": ["name": "f", "arguments": "{\"a\":1}"]],
                ["id": "c2", "type": "function", "function": ["name": "g", "arguments": "{}"]],
            ])
    }

    @Test("Calls at absurd places and of wrong types are not fatal")
    func hostileToolCalls() throws {
        let whole = try collect([
            .delta(ChatDelta(toolCalls: [["index": 9_000_000], "text", ["index": -1, "function": 3]])), end,
        ])
        #expect(whole != nil)
    }

    @Test("An answer that grows past the limit is refused")
    func limit() {
        let piece = ChatEvent.delta(ChatDelta(text: String(repeating: "x", count: 1 << 20)))
        #expect(throws: ChatError.self) { try collect(Array(repeating: piece, count: 17)) }
    }
}
