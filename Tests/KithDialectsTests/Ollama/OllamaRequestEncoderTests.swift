// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("A request in Ollama's words")
struct OllamaRequestEncoderTests {
    private func encoded(_ request: ChatRequest) throws -> JSONValue {
        let bytes = try OllamaRequestEncoder.body(for: request, model: "llama3.2:3b")
        return try JSONBody.decode(JSONValue.self, from: bytes)
    }

    @Test("Puts the sampling into options, under Ollama's names")
    func options() throws {
        let sampling = SamplingOptions(
            maxTokens: 5, temperature: 0.5, topP: 0.9, seed: 7, stop: ["x"], frequencyPenalty: 1, presencePenalty: -1)
        let body = try encoded(
            ChatRequest(
                messages: [ChatMessage(.user, "hi")], sampling: sampling,
                extensions: [
                    "options": ["num_ctx": 2048, "num_gpu": 0, "mirostat": 1, "seed": 1], "keep_alive": "5m",
                    "unknown": 1,
                ]))
        #expect(
            body == [
                "model": "llama3.2:3b", "stream": true, "keep_alive": "5m", "truncate": false, "shift": false,
                "messages": [["role": "user", "content": "hi"]],
                "options": [
                    "num_predict": 5, "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["x"],
                    "frequency_penalty": 1, "presence_penalty": -1, "mirostat": 1,
                ],
            ])
    }

    @Test("Asks for log probabilities with a chat, and refuses them where their form would be another")
    func logProbabilities() throws {
        var request = ChatRequest(messages: [ChatMessage(.user, "hi")])
        request.extensions = ["logprobs": true, "top_logprobs": 3]
        #expect(try encoded(request)["logprobs"] == true)
        #expect(try encoded(request)["top_logprobs"] == 3)
        request.extensions = ["logprobs": false, "top_logprobs": 3]
        #expect(try encoded(request)["logprobs"] == nil)
        #expect(try encoded(request)["top_logprobs"] == nil)
        var completion = ChatRequest(kind: .completion, messages: [ChatMessage(.user, "hi")])
        completion.extensions = ["logprobs": 2]
        let refusal = #expect(throws: ChatError.self) { try encoded(completion) }
        #expect(refusal?.code == .unsupported)
        #expect(refusal?.field == "logprobs")
    }

    @Test("Sends a completion's prompt past the chat template")
    func completion() throws {
        let body = try encoded(ChatRequest(kind: .completion, messages: [ChatMessage(.user, "once")]))
        #expect(
            body == [
                "model": "llama3.2:3b", "stream": true, "prompt": "once", "raw": true, "truncate": false,
                "shift": false,
            ])
    }

    @Test("Has Ollama shorten a prompt only if the client wants that")
    func truncation() throws {
        let asked = ChatRequest(messages: [ChatMessage(.user, "hi")], extensions: ["truncate": true, "shift": true])
        #expect(try encoded(asked)["truncate"] == true)
        #expect(try encoded(asked)["shift"] == true)
    }

    @Test("Tells Ollama how many tokens it is to hold, whatever the client wrote")
    func context() throws {
        let asked = ChatRequest(messages: [ChatMessage(.user, "hi")], extensions: ["options": ["num_ctx": 2048]])
        let bytes = try OllamaRequestEncoder.body(for: asked, model: "m", context: 8_192)
        #expect(try JSONBody.decode(JSONValue.self, from: bytes)["options"]?["num_ctx"] == 8192)
    }

    @Test(
        "Translates the response format",
        arguments: [
            (["type": "json_object"], "json"), (["type": "text"], nil),
            (["type": "json_schema", "json_schema": ["schema": ["type": "object"]]], ["type": "object"]),
        ] as [(JSONValue, JSONValue?)])
    func format(given: JSONValue, expected: JSONValue?) throws {
        let request = ChatRequest(messages: [ChatMessage(.user, "hi")], extensions: ["response_format": given])
        #expect(try encoded(request)["format"] == expected)
    }

    @Test("Translates tool calls and their answers")
    func tools() throws {
        let calls: JSONValue = [
            ["id": "call_1", "type": "function", "function": ["name": "add", "arguments": "{\"a\":1}"]]
        ]
        let body = try encoded(
            ChatRequest(messages: [
                ChatMessage(role: .assistant, content: .none, toolCalls: calls),
                ChatMessage(role: .tool, content: .text("2"), toolCallID: "call_1"),
            ]))
        #expect(
            body["messages"] == [
                [
                    "role": "assistant", "content": "",
                    "tool_calls": [["id": "call_1", "function": ["name": "add", "arguments": ["a": 1]]]],
                ],
                ["role": "tool", "content": "2", "tool_name": "add", "tool_call_id": "call_1"],
            ])
    }

    @Test("Puts images beside the text, and refuses what Ollama would have to fetch")
    func images() throws {
        func request(_ url: JSONValue) -> ChatRequest {
            ChatRequest(messages: [
                ChatMessage(
                    role: .user,
                    content: .parts([
                        ["type": "text", "text": "see"], ["type": "image_url", "image_url": ["url": url]],
                    ]))
            ])
        }
        let message = try encoded(request("data:image/png;base64,QUJD"))["messages"]?.arrayValue?.first
        #expect(message == ["role": "user", "content": "see", "images": ["QUJD"]])
        let failure = #expect(throws: ChatError.self) { try encoded(request("https://example.com/a.png")) }
        #expect(failure?.code == .unsupported)
        #expect(failure?.field == "messages")
    }

    @Test("Gives back what the assistant thought", arguments: ["reasoning", "reasoning_content"])
    func thinking(name: String) throws {
        let message = ChatMessage(role: .assistant, content: .text("hi"), extra: [name: "hm"])
        #expect(
            try encoded(ChatRequest(messages: [message]))["messages"]
                == [["role": "assistant", "content": "hi", "thinking": "hm"]])
    }

    @Test("Refuses in words what Ollama cannot be told")
    func refusals() throws {
        var several = ChatRequest(messages: [ChatMessage(.user, "x")])
        several.sampling.choices = 2
        func asking(_ extensions: JSONObject) -> ChatRequest {
            ChatRequest(messages: [ChatMessage(.user, "x")], extensions: extensions)
        }
        let requests = [
            (several, "n"), (asking(["logit_bias": ["5": 1]]), "logit_bias"),
            (asking(["modalities": ["text", "audio"]]), "modalities"), (asking(["functions": [[:]]]), "functions"),
            (asking(["tools": [[:]], "parallel_tool_calls": false]), "parallel_tool_calls"),
            (ChatRequest(messages: [ChatMessage(.user, "x")], extensions: ["tool_choice": "required"]), "tool_choice"),
            (ChatRequest(kind: .completion, messages: [ChatMessage(role: .user, content: .parts([1, 2]))]), "prompt"),
        ]
        for (request, field) in requests {
            let failure = #expect(throws: ChatError.self) { try encoded(request) }
            #expect(failure?.code == .unsupported)
            #expect(failure?.field == field)
        }
    }

    @Test(
        arguments: [
            ("none", false, "low"), ("low", true, "low"), ("high", true, "high"), ("xhigh", true, "high"),
            (nil, nil, nil),
        ] as [(JSONValue?, JSONValue?, JSONValue?)])
    func `a model that thinks is told how much it should`(
        effort: JSONValue?, switching: JSONValue?, level: JSONValue?
    ) throws {
        var request = ChatRequest(messages: [ChatMessage(.user, "x")])
        request.extensions["reasoning_effort"] = effort
        func think(_ model: ModelID, _ thinks: Bool) throws -> JSONValue? {
            try JSONValue(parsing: OllamaRequestEncoder.body(for: request, model: model, thinks: thinks))["think"]
        }
        #expect(try think("qwen3:8b", true) == switching)
        #expect(try think("gpt-oss:20b", true) == level)
        #expect(try think("llama3.2:3b", false) == nil)
    }

    @Test
    func `log probabilities are asked for`() throws {
        let request = ChatRequest(
            messages: [ChatMessage(.user, "x")], extensions: ["logprobs": true, "top_logprobs": 3])
        #expect(try encoded(request)["logprobs"] == true)
        #expect(try encoded(request)["top_logprobs"] == 3)
    }

    @Test(
        "Models that run at ollama.com are told apart",
        arguments: [
            (#"{"name":"gpt-oss:120b-cloud"}"#, true), (#"{"name":"m:cloud"}"#, true),
            (#"{"name":"m:1b","remote_host":"https://ollama.com:443","remote_model":"m"}"#, true),
            (#"{"name":"cloudy:1b","remote_host":""}"#, false),
        ])
    func cloud(tag: String, runsElsewhere: Bool) throws {
        let model = try JSONBody.decode(OllamaTagList.Model.self, from: tag.utf8)
        #expect(model.runsElsewhere == runsElsewhere)
    }

    @Test(
        "Adds the tag that Ollama means",
        arguments: [("llama3.2", "llama3.2:latest"), ("a:1b", "a:1b"), ("host:5000/a/b", "host:5000/a/b:latest")])
    func tags(name: String, full: String) { #expect(ModelID(name).withOllamaTag == ModelID(full)) }
}
