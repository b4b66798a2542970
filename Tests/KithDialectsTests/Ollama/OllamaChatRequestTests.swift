// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("A request of Ollama's clients")
struct OllamaChatRequestTests {
    private func chat(_ text: String) throws -> OllamaChatRequest { try .readChat(Array(text.utf8)) }
    private func generate(_ text: String) throws -> OllamaChatRequest { try .readGenerate(Array(text.utf8)) }

    private func refusal(of read: () throws -> OllamaChatRequest) -> ChatError? {
        do {
            _ = try read()
            return nil
        } catch {
            return error as? ChatError
        }
    }

    @Test("It streams unless it says otherwise, and keeps the name of the model as it is written")
    func plain() throws {
        let asked = try chat(#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#)
        #expect(asked.chat.streams && asked.chat.includesUsage && asked.handling == nil && asked.showsThoughts)
        #expect(asked.model == "m" && asked.chat.model == "m")
        #expect(asked.chat.messages == [ChatMessage(.user, "hi")])
        #expect(asked.chat.extensions.isEmpty && asked.chat.body == nil)
        let other = try chat(#"{"model":"auto:latest","stream":false,"messages":[{"role":"user","content":"hi"}]}"#)
        #expect(!other.chat.streams && other.chat.model == nil && other.model == "auto:latest")
    }

    @Test("Options become sampling, and are kept for engines that know them, but for those of the machine")
    func options() throws {
        let asked = try chat(
            #"""
            {"model":"m","messages":[{"role":"user","content":"hi"}],"keep_alive":"5m","options":{"num_predict":5,
            "stop":"x","seed":7,"temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.1,"repeat_penalty":1.1,"num_ctx":2048,"mirostat":1,
            "frequency_penalty":1,"presence_penalty":-1}}
            """#)
        #expect(
            asked.chat.sampling
                == SamplingOptions(
                    maxTokens: 5, temperature: 0.5, topP: 0.9, seed: 7, stop: ["x"], frequencyPenalty: 1,
                    presencePenalty: -1))
        #expect(asked.chat.extensions["top_k"] == 40 && asked.chat.extensions["repeat_penalty"] == 1.1)
        let written = try JSONValue(parsing: OllamaRequestEncoder.body(for: asked.chat, model: "m:1b"))
        #expect(written["options"]?["num_ctx"] == nil && written["options"]?["num_predict"] == 5)
        #expect(written["options"]?["mirostat"] == 1)
        #expect(written["options"]?["stop"] == ["x"] && written["keep_alive"] == "5m")
        let openAI = try JSONValue(parsing: OpenAIRequestEncoder.body(for: asked.chat, model: "m"))
        #expect(openAI["options"] == nil && openAI["keep_alive"] == nil)
        #expect(openAI["max_tokens"] == 5 && openAI["min_p"] == 0.1)
    }

    @Test("No limit stays no limit", arguments: [-2, -1, 0])
    func noLimit(number: Int) throws {
        let asked = try chat(
            #"{"model":"m","messages":[{"role":"user","content":"hi"}],"options":{"num_predict":\#(number)}}"#)
        #expect(asked.chat.sampling.maxTokens == nil)
        let written = try JSONValue(parsing: OllamaRequestEncoder.body(for: asked.chat, model: "m"))
        #expect(written["options"]?["num_predict"] == .integer(Int64(number)))
    }

    @Test("A seed of -1 is none, and stays as it is for engines of the dialect")
    func noSeed() throws {
        let asked = try chat(#"{"model":"m","messages":[{"role":"user","content":"hi"}],"options":{"seed":-1}}"#)
        #expect(asked.chat.sampling.seed == nil)
        let written = try JSONValue(parsing: OllamaRequestEncoder.body(for: asked.chat, model: "m"))
        #expect(written["options"]?["seed"] == -1)
    }

    @Test(
        "Thinking is a switch for engines of the dialect, and an effort for others",
        arguments: [
            ("true", true, true, "medium"), ("false", false, false, "none"), (#""high""#, "high", true, "high"),
        ] as [(String, JSONValue, Bool, JSONValue?)])
    func thinking(word: String, think: JSONValue, shows: Bool, effort: JSONValue?) throws {
        let asked = try chat(#"{"messages":[{"role":"user","content":"hi"}],"think":\#(word)}"#)
        #expect(asked.chat.extensions["think"] == think)
        #expect(asked.chat.extensions["reasoning_effort"] == effort)
        #expect(asked.showsThoughts == shows)
        #expect(try JSONValue(parsing: OpenAIRequestEncoder.body(for: asked.chat, model: "m"))["think"] == nil)
    }

    @Test("A format is a response format, and comes back as it was for engines of the dialect")
    func format() throws {
        for (given, format) in [
            (#""json""#, "json"), (#"{"type":"object"}"#, ["type": "object"]), (#""""#, nil),
        ] as [(String, JSONValue?)] {
            let asked = try chat(#"{"messages":[{"role":"user","content":"hi"}],"format":\#(given)}"#)
            let written = try JSONValue(parsing: OllamaRequestEncoder.body(for: asked.chat, model: "m"))
            #expect(written["format"] == format)
        }
    }

    @Test("Calls and results of tools belong together by ids that depend on nothing but their place")
    func tools() throws {
        let body = #"""
            {"model":"m","messages":[{"role":"user","content":"go"},
            {"role":"assistant","content":"","thinking":"hm","tool_calls":[
            {"function":{"name":"add","arguments":{"x":1,"y":[2]}}},{"id":"own","function":{"name":"now"}}]},
            {"role":"tool","tool_name":"now","content":"noon"},{"role":"tool","tool_name":"add","content":"3"}],
            "tools":[{"type":"function","function":{"name":"add","parameters":{"type":"object"}}}]}
            """#
        let asked = try chat(body).chat
        let assistant = asked.messages[1]
        #expect(assistant.content == .none && assistant.reasoning == "hm")
        #expect(
            assistant.toolCalls == [
                [
                    "id": "call_1_0", "type": "function",
                    "function": ["name": "add", "arguments": #"{"x":1,"y":[2]}"#],
                ], ["id": "own", "type": "function", "function": ["name": "now", "arguments": "{}"]],
            ])
        #expect(asked.messages.suffix(2).map(\.toolCallID) == ["own", "call_1_0"])
        #expect(asked.extensions["tools"]?.arrayValue?.count == 1)
        let written = try JSONValue(parsing: OllamaRequestEncoder.body(for: asked, model: "m"))
        #expect(written["messages"]?.arrayValue?.last?["tool_name"] == "add")
        #expect(try chat(body).chat.messages == asked.messages)
    }

    @Test("Images are parts beside the text, in both routes")
    func images() throws {
        let parts: [JSONValue] = [
            ["type": "text", "text": "what?"],
            ["type": "image_url", "image_url": ["url": "data:image/jpeg;base64,/9j/AA"]],
        ]
        let asked = try chat(#"{"messages":[{"role":"user","content":"what?","images":["/9j/AA"]}]}"#)
        #expect(asked.chat.messages.last?.content == .parts(parts))
        let generated = try generate(#"{"prompt":"what?","images":["/9j/AA"]}"#)
        #expect(generated.chat.messages.last?.content == .parts(parts))
        #expect(try generate(#"{"images":["iVBORw"]}"#).handling == nil)
    }

    @Test("A prompt is a question after the system's words, or with `raw` a text to be continued")
    func prompts() throws {
        let asked = try generate(#"{"model":"m","prompt":"hi","system":"Be brief.","context":[1,2]}"#)
        #expect(asked.chat.kind == .chat && asked.route == .generate)
        #expect(asked.chat.messages == [ChatMessage(.system, "Be brief."), ChatMessage(.user, "hi")])
        let raw = try generate(#"{"model":"m","prompt":"once","raw":true,"system":"x"}"#)
        #expect(raw.chat.kind == .completion && raw.chat.messages == [ChatMessage(.user, "once")])
    }

    @Test("Without a prompt a model is to be loaded, or to be put away")
    func handling() throws {
        #expect(try generate(#"{"model":"m"}"#).handling == .load)
        #expect(try chat(#"{"model":"m","messages":[]}"#).handling == .load)
        #expect(try chat(#"{"model":"m"}"#).handling == .load)
        for word in ["0", #""0""#, #""0s""#] {
            #expect(try generate(#"{"model":"m","keep_alive":\#(word)}"#).handling == .unload)
        }
        #expect(try generate(#"{"model":"m","keep_alive":-1}"#).handling == .load)
    }

    @Test(
        "What cannot be told or read is refused by the name of its field",
        arguments: [
            (#"{"prompt":"x","suffix":"y"}"#, "suffix"), (#"{"prompt":"x","template":"{{ .Prompt }}"}"#, "template"),
            (#"{"prompt":"x","raw":true,"images":["/9j/"]}"#, "images"), (#"{"prompt":1}"#, "prompt"),
            (#"{"prompt":"x","options":3}"#, "options"), (#"{"prompt":"x","options":{"seed":"a"}}"#, "options.seed"),
            (#"{"prompt":"x","options":{"temperature":1e999}}"#, "options.temperature"),
            (#"{"prompt":"x","options":{"num_predict":1.5}}"#, "options.num_predict"),
            (#"{"prompt":"x","think":"much"}"#, "think"), (#"{"prompt":"x","format":"xml"}"#, "format"),
            (#"{"prompt":"x","images":[1]}"#, "images.0"), (#"{"prompt":"x","stream":"no"}"#, "stream"),
        ])
    func refused(body: String, field: String) {
        #expect(refusal { try generate(body) }?.field == field)
    }

    @Test(
        "A message that is none is refused by its place",
        arguments: [
            (#"{"messages":"x"}"#, "messages"), (#"{"messages":[{"content":"x"}]}"#, "messages.0.role"),
            (#"{"messages":[{"role":"king","content":"x"}]}"#, "messages.0.role"),
            (#"{"messages":[{"role":"user","content":[1]}]}"#, "messages.0.content"),
            (#"{"messages":[{"role":"assistant","tool_calls":[{}]}]}"#, "messages.0.tool_calls.0.function"),
            (#"{"messages":[{"role":"user","content":"x"}],"tools":{}}"#, "tools"),
        ])
    func refusedMessages(body: String, field: String) {
        #expect(refusal { try chat(body) }?.field == field)
    }

    @Test(
        "A request to a path that two dialects share is known by its members",
        arguments: [
            (.generate, #"{"prompt":"x"}"#, nil, .seed), (.generate, #"{"model":"m","prompt":"x"}"#, nil, .ollama),
            (.generate, #"{"prompt":"x","stream":false}"#, nil, .ollama),
            (.generate, #"{"prompt":"x","temperature":0.8,"max_tokens":9,"model":"m"}"#, nil, .seed),
            (.generate, #"{"prompt":"x"}"#, "application/x-ndjson", .ollama), (.generate, "{", nil, .seed),
            (.generate, "[]", "application/x-ndjson", .seed), (.generate, "{}", nil, .seed),
            (.chat, #"{"message":"x","model":"m"}"#, nil, .seed), (.chat, #"{"messages":[]}"#, nil, .ollama),
            (.chat, #"{"model":"m"}"#, nil, .ollama), (.chat, "{}", nil, .seed),
            (.chat, #"{"message":"x"}"#, "application/x-ndjson", .seed),
        ] as [(OllamaRoute, String, String?, SharedRequestForm)])
    func shared(route: OllamaRoute, body: String, accept: String?, form: SharedRequestForm) {
        #expect(SharedRequestForm(route, Array(body.utf8), accept: accept) == form, "\(body)")
    }
}
