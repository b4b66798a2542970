// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("An answer in Ollama's dialect")
struct OllamaAnswerTests {
    private static let usage = TokenUsage(promptTokens: 3, completionTokens: 2)
    private static let time = WallTime(milliseconds: 1_700_000_000_000)
    private static let times = OllamaTimes(total: .seconds(3), first: .seconds(1))

    private func encoder(_ route: OllamaRoute = .chat, showsThoughts: Bool = true) -> OllamaStreamEncoder {
        OllamaStreamEncoder(
            header: OllamaAnswerHeader(
                route: route, model: "m", showsThoughts: showsThoughts, estimatedPromptTokens: 7))
    }

    private func lines(_ bytes: [UInt8]) throws -> [JSONValue] {
        try bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast().map {
            try JSONValue(parsing: $0)
        }
    }

    private func lines(
        _ deltas: [ChatDelta], _ finish: FinishReason? = .stop, _ usage: TokenUsage = usage,
        encoder: OllamaStreamEncoder? = nil
    ) throws -> [JSONValue] {
        var encoder = encoder ?? self.encoder()
        var bytes: [UInt8] = []
        for delta in deltas { encoder.append(delta, at: Self.time, to: &bytes) }
        if let finish { encoder.append(end: finish, usage, Self.times, at: Self.time, to: &bytes) }
        return try lines(bytes)
    }

    private func call(_ index: Int, _ name: String?, _ arguments: String) -> ChatDelta {
        var function: JSONObject = ["arguments": .string(arguments)]
        function["name"] = name.map { .string($0) }
        var call: JSONObject = ["index": .integer(Int64(index)), "function": .object(function)]
        if name != nil { call["id"] = .string("c\(index)") }
        return ChatDelta(toolCalls: .array([.object(call)]))
    }

    @Test("Each piece is a line, and the last one says how the answer ended and how long its parts took")
    func shape() throws {
        let lines = try lines([ChatDelta(text: "one "), ChatDelta(text: "two", reasoning: "hm")])
        #expect(
            lines == [
                [
                    "model": "m", "created_at": "2023-11-14T22:13:20.000000Z",
                    "message": ["role": "assistant", "content": "one "], "done": false,
                ],
                [
                    "model": "m", "created_at": "2023-11-14T22:13:20.000000Z",
                    "message": ["role": "assistant", "content": "two", "thinking": "hm"], "done": false,
                ],
                [
                    "model": "m", "created_at": "2023-11-14T22:13:20.000000Z",
                    "message": ["role": "assistant", "content": ""], "done": true, "done_reason": "stop",
                    "total_duration": 3_000_000_000, "load_duration": 0, "prompt_eval_count": 3,
                    "prompt_eval_duration": 1_000_000_000, "eval_count": 2, "eval_duration": 2_000_000_000,
                ],
            ])
    }

    @Test("The route for prompts has its text in another place")
    func generated() throws {
        let lines = try lines([ChatDelta(text: "one", reasoning: "hm")], encoder: encoder(.generate))
        #expect(lines[0]["response"] == "one" && lines[0]["thinking"] == "hm" && lines[0]["message"] == nil)
        #expect(lines[1]["response"] == "" && lines[1]["done"] == true)
    }

    @Test("Calls come whole before the end, with objects for arguments, in the order in which they began")
    func calls() throws {
        let lines = try lines(
            [call(0, "add", ""), call(1, "now", ""), call(0, nil, #"{"x":"#), call(0, nil, "1}")], .toolCalls)
        #expect(lines.count == 2)
        #expect(
            lines[0]["message"]?["tool_calls"] == [
                ["id": "c0", "function": ["index": 0, "name": "add", "arguments": ["x": 1]]],
                ["id": "c1", "function": ["index": 1, "name": "now", "arguments": [:]]],
            ])
        #expect(lines[1]["done_reason"] == "stop")
    }

    @Test("A call that is broken off is never given: at a limit it is left out, and else the answer is an error")
    func brokenCalls() throws {
        let half = [ChatDelta(text: "well"), call(0, "add", #"{"x":"#)]
        #expect(try lines(half, nil).count == 1)
        let cut = try lines(half, .length)
        #expect(cut.count == 2 && cut[1]["done_reason"] == "length")
        let wrong = try lines(half, .toolCalls)
        #expect(wrong.count == 2 && wrong[1]["error"] != nil && wrong[1]["done"] == nil)
    }

    @Test("Thoughts are not shown to a client that wants none")
    func hiddenThoughts() throws {
        let lines = try lines(
            [ChatDelta(reasoning: "hm"), ChatDelta(text: "one")], encoder: encoder(showsThoughts: false))
        #expect(lines.count == 2 && lines[0]["message"] == ["role": "assistant", "content": "one"])
    }

    @Test(
        "Log probabilities and a refusal are told, an unknown end stays what it is, and tokens are estimated if need be"
    )
    func rest() throws {
        let token: JSONValue = ["token": "a", "logprob": -0.5]
        let lines = try lines(
            [
                ChatDelta(text: "a", choiceExtra: ["logprobs": ["content": .array([token])]]),
                ChatDelta(refusal: "no"),
            ], .contentFilter, TokenUsage(promptTokens: 0, completionTokens: 1))
        #expect(lines[0]["logprobs"] == .array([token]))
        #expect(lines[1]["message"]?["content"] == "no")
        #expect(lines[2]["done_reason"] == "content_filter" && lines[2]["prompt_eval_count"] == 7)
    }

    @Test(
        "Silence, a failure and a continuation are lines, and none of them holds a character at which clients split lines"
    )
    func otherLines() throws {
        let encoder = encoder()
        var bytes: [UInt8] = []
        encoder.append(silenceAt: Self.time, to: &bytes)
        let node = try #require(NodeName("desk"))
        encoder.append(
            OpenAIContinuation(node: node, model: "n", afterTokens: 4, reason: .interrupted), at: Self.time, to: &bytes)
        encoder.append(failure: "lost\u{2028}\u{2029}\u{85}\n", to: &bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(!text.unicodeScalars.contains { ["\u{2028}", "\u{2029}", "\u{85}"].contains($0) })
        let lines = try lines(bytes)
        #expect(lines.count == 3)
        #expect(lines[0]["message"]?["content"] == "" && lines[0]["done"] == false)
        #expect(lines[1]["x_kith"]?["continued"]?["node"] == "desk" && lines[1]["message"]?["content"] == "")
        #expect(lines[2] == ["error": "lost\u{2028}\u{2029}\u{85}\n"])
    }

    @Test("A plain answer is one object with all of it")
    func plain() throws {
        let message = ChatDelta(
            text: "well", reasoning: "hm",
            toolCalls: [["id": "c", "type": "function", "function": ["name": "add", "arguments": #"{"x":1}"#]]])
        let body = try OllamaAnswer.body(
            header: encoder().header, message: message, finish: .toolCalls, usage: Self.usage, times: Self.times,
            at: Self.time)
        let answer = try JSONValue(parsing: body)
        #expect(
            answer["message"] == [
                "role": "assistant", "content": "well", "thinking": "hm",
                "tool_calls": [["id": "c", "function": ["index": 0, "name": "add", "arguments": ["x": 1]]]],
            ])
        #expect(answer["done"] == true && answer["done_reason"] == "stop" && answer["eval_count"] == 2)
        let loaded = try JSONValue(
            parsing: OllamaAnswer.body(header: encoder(.generate).header, handling: .load, at: Self.time))
        #expect(loaded["response"] == "" && loaded["done"] == true && loaded["done_reason"] == "load")
    }

    @Test("Of a plain answer the engine's time is shared out by tokens, and nothing takes no time at all")
    func times() {
        let usage = TokenUsage(promptTokens: 30, completionTokens: 10, engineTime: .seconds(4))
        let times = OllamaTimes(total: .seconds(5), usage: usage)
        #expect(times.load == .seconds(1) && times.prompt == .seconds(3) && times.answer == .seconds(1))
        let none = OllamaTimes(total: .zero, usage: TokenUsage(promptTokens: 0, completionTokens: 0))
        #expect(none.total > .zero && none.prompt > .zero && none.answer > .zero)
        #expect(OllamaTimes(total: .zero, first: .zero).answer > .zero)
    }
}

@Suite("What Ollama's clients are told of models")
struct OllamaModelPagesTests {
    @Test("Each model is listed once, with a tag, a digest, a time, and what its name says")
    func listed() throws {
        let models = [
            ModelInfo(id: "llama3.2:3b-instruct-q4_K_M", created: 1_700_000_000), ModelInfo(id: "own/echo"),
            ModelInfo(id: "own/echo:latest"),
        ]
        let list = try JSONValue(parsing: OllamaModelPages.list(models))["models"]?.arrayValue ?? []
        #expect(list.map { $0["name"] } == ["llama3.2:3b-instruct-q4_K_M", "own/echo:latest"])
        #expect(list.allSatisfy { $0["model"] == $0["name"] && $0["digest"]?.stringValue?.utf8.count == 64 })
        #expect(list[0]["digest"] != list[1]["digest"] && list[0]["modified_at"] == "2023-11-14T22:13:20.000000Z")
        let details = list[0]["details"]
        #expect(details?["family"] == "llama" && details?["families"] == ["llama"])
        #expect(details?["parameter_size"] == "3B" && details?["quantization_level"] == "Q4_K_M")
        #expect(list[1]["details"]?["parameter_size"] == "")
    }

    @Test("A model's card says what it can do, and how long its context is where that is known")
    func card() throws {
        let known = ModelInfo(id: "qwen3:8b", contextLength: 40_960, capabilities: ["completion", "thinking"])
        let card = try JSONValue(parsing: OllamaModelPages.card(known))
        #expect(card["model_info"]?["general.architecture"] == "qwen")
        #expect(card["model_info"]?["qwen.context_length"] == 40_960)
        #expect(card["capabilities"] == ["completion", "thinking"])
        let other = try JSONValue(parsing: OllamaModelPages.card(ModelInfo(id: "7", embeds: true)))
        #expect(other["model_info"] == ["general.architecture": "unknown", "general.basename": "7"])
        #expect(other["capabilities"] == ["completion", "tools", "embedding"])
    }

    @Test("Vectors have the length 1, and the older route gives one as it is")
    func vectors() throws {
        let body = OllamaEmbeddingAnswer.body([[3, 4], [0, 0]], model: "m", promptTokens: 2, total: .seconds(1))
        let answer = try JSONValue(parsing: body)
        #expect(answer["embeddings"] == [[0.6, 0.8], [0, 0]] && answer["total_duration"] == 1_000_000_000)
        #expect(try JSONValue(parsing: OllamaEmbeddingAnswer.olderBody([3, 4])) == ["embedding": [3, 4]])
    }

    @Test("Texts to embed are one or several, or none")
    func texts() throws {
        func inputs(_ text: String) throws -> [String] { try OllamaEmbedRequest.read(Array(text.utf8)).request.inputs }
        #expect(try inputs(#"{"model":"m","input":"a"}"#) == ["a"])
        #expect(try inputs(#"{"model":"m","input":["a","b"]}"#) == ["a", "b"])
        #expect(try inputs(#"{"model":"m","input":""}"#) == [] && inputs(#"{"model":"m"}"#) == [])
        #expect(throws: ChatError.self) { try inputs(#"{"model":"m","input":[1]}"#) }
        #expect(try OllamaEmbedRequest.readOlder(Array(#"{"model":"m","prompt":"a"}"#.utf8)).request.inputs == ["a"])
    }
}
