// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("A request in OpenAI's dialect")
struct OpenAIRequestTests {
    private func read(_ text: String) throws -> ChatRequest { try OpenAIChatRequest.read(Array(text.utf8)) }

    private func written(_ request: ChatRequest, _ model: ModelID = "m") -> String {
        String(decoding: OpenAIRequestEncoder.body(for: request, model: model), as: UTF8.self)
    }

    @Test("What routing needs is read")
    func fields() throws {
        let request = try read(
            #"""
            {"model":"m","messages":[{"role":"system","content":"a \u00e9"},{"role":"user","content":[{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"u"}}],"name":"n"}],
            "stream":true,"stream_options":{"include_usage":true,"x":1},"temperature":3.5,"top_p":1,"seed":-7,"n":2,"stop":["x",""],"max_completion_tokens":5,"frequency_penalty":-9,"presence_penalty":0.5,"tools":[{"z":1,"a":2}],"user":"u"}
            """#)
        #expect(request.model == "m")
        #expect(request.messages.map(\.content.text) == ["a é", "b"])
        #expect(request.messages[1].name == "n")
        #expect(request.streams && request.includesUsage)
        var sampling = SamplingOptions(
            maxTokens: 5, temperature: 3.5, topP: 1, seed: -7, stop: ["x"], frequencyPenalty: -9, presencePenalty: 0.5)
        sampling.choices = 2
        sampling.limitName = .maxCompletionTokens
        #expect(request.sampling == sampling)
        #expect(request.extensions.keys == ["tools", "user"])
        #expect(request.extensions["tools"]?.arrayValue?.first?.objectValue?.keys == ["z", "a"])
    }

    @Test("auto, no name and an empty one leave the choice to the router", arguments: [#""auto""#, #""""#, "null"])
    func noModel(name: String) throws {
        #expect(try read(#"{"model":\#(name),"messages":[{"role":"user","content":"x"}]}"#).model == nil)
    }

    @Test(
        "Turns that say nothing are read",
        arguments: [
            #"{"role":"assistant","content":null}"#, #"{"role":"assistant"}"#, #"{"role":"assistant","content":[]}"#,
            #"{"role":"assistant","content":""}"#, #"{"role":"assistant","content":"x","tool_calls":null}"#,
            #"{"role":"assistant","content":null,"tool_calls":[]}"#,
            #"{"role":"tool","tool_call_id":"c","content":null}"#,
            #"{"role":"function","name":"f","content":null}"#,
        ])
    func silentTurns(message: String) throws {
        let text = #"{"messages":[{"role":"user","content":"a"},\#(message),{"role":"user","content":"b"}]}"#
        let request = try read(text)
        #expect(request.messages.count == 3)
        #expect(request.messages[1].toolCalls == nil)
    }

    @Test(
        "Every member of a message is kept",
        arguments: [
            "refusal", "audio", "reasoning", "reasoning_content", "thinking_blocks", "function_call", "x_unknown",
        ])
    func messageMembers(name: String) throws {
        let value = #"{"z":1.50,"a":["x",null]}"#
        let request = try read(#"{"messages":[{"x":1,"\#(name)":\#(value),"role":"assistant","b":2}]}"#)
        #expect(request.messages[0].extra.keys == ["x", name, "b"])
        #expect(request.messages[0].extra[name] == JSONValue(json: value))
        // Signed thoughts are for the provider that signed them.
        #expect(request.messages[0].openAI[name] == (name == "thinking_blocks" ? nil : JSONValue(json: value)))
    }

    @Test(
        "What is wrong is refused by name",
        arguments: [
            ("", "the body is not valid JSON", nil, ChatError.Code.malformedRequest),
            ("{", "the body is not valid JSON", nil, .malformedRequest),
            ("[]", "the body must be a JSON object", nil, .malformedRequest),
            ("3", "the body must be a JSON object", nil, .malformedRequest),
            ("{}", "'messages' is missing", "messages", .malformedRequest),
            (#"{"messages":null}"#, "'messages' is missing", "messages", .malformedRequest),
            (#"{"messages":[]}"#, "'messages' must hold at least one message", "messages", .malformedRequest),
            (#"{"messages":"x"}"#, "'messages' must be a list", "messages", .invalidRequest),
            (#"{"messages":["x"]}"#, "'messages.0' must be an object", "messages.0", .invalidRequest),
            (#"{"messages":[{}]}"#, "'messages.0.role' is missing", "messages.0.role", .malformedRequest),
            (
                #"{"messages":[{"role":1}]}"#, "'messages.0.role' must be a string", "messages.0.role", .invalidRequest
            ),
            (
                #"{"messages":[{"role":"king","content":"x"}]}"#, "'messages.0.role' has a value that cannot be used",
                "messages.0.role", .invalidRequest
            ),
            (
                #"{"messages":[{"role":"user"}]}"#, "'messages.0.content' is missing", "messages.0.content",
                .malformedRequest
            ),
            (
                #"{"messages":[{"role":"user","content":5}]}"#, "'messages.0.content' must be a string or a list",
                "messages.0.content", .invalidRequest
            ),
            (#"{"model":1}"#, "'model' must be a string", "model", .invalidRequest),
            (#"{"stream":1}"#, "'stream' must be true or false", "stream", .invalidRequest),
            (#"{"temperature":"hot"}"#, "'temperature' must be a number", "temperature", .invalidRequest),
            (
                #"{"temperature":1e999}"#, "'temperature' has a value that cannot be used", "temperature",
                .invalidRequest
            ),
            (#"{"max_tokens":1.5}"#, "'max_tokens' has a value that cannot be used", "max_tokens", .invalidRequest),
            (#"{"max_tokens":1e300}"#, "'max_tokens' has a value that cannot be used", "max_tokens", .invalidRequest),
            (#"{"max_tokens":0}"#, "'max_tokens' must be at least 1", "max_tokens", .invalidRequest),
            (
                #"{"max_completion_tokens":-2}"#, "'max_completion_tokens' must be at least 1", "max_completion_tokens",
                .invalidRequest
            ),
            (#"{"stop":[1]}"#, "'stop.0' must be a string", "stop.0", .invalidRequest),
            (#"{"stop":1}"#, "'stop' must be a list", "stop", .invalidRequest),
            (#"{"stream_options":1}"#, "'stream_options' must be an object", "stream_options", .invalidRequest),
        ] as [(String, String, String?, ChatError.Code)])
    func refusals(text: String, message: String, field: String?, code: ChatError.Code) {
        let failure = #expect(throws: ChatError.self) { try read(text) }
        #expect(failure?.message.hasPrefix(message) == true, "\(failure?.message ?? "")")
        #expect(failure?.field == field)
        #expect(failure?.code == code)
    }

    // MARK: To an engine of the dialect

    private static let client =
        #"{ "tools":[{"type":"function","function":{"parameters":{"zeta":1,"alpha":2}}}], "messages": [ {"content":"q\u00e9","role":"user","x":1.0} ] ,"max_completion_tokens":500,"logit_bias":{"5":-1e1},"model":"auto","n":2,"seed":12345678901234567890123 }"#
        .replacing(#","seed":12345678901234567890123"#, with: #","big":12345678901234567890123"#)

    @Test("The client's words go on as they are, with the model's name changed")
    func unchanged() throws {
        let request = try read(Self.client)
        #expect(written(request) == Self.client.replacing(#""auto""#, with: #""m""#))
        let named = Self.client.replacing(#""auto""#, with: #""m""#)
        #expect(written(try read(named)) == named)
    }

    @Test("A client that names no model is given one")
    func modelAdded() throws {
        let text = #"{"messages":[{"role":"user","content":"x"}]}"#
        #expect(written(try read(text)) == #"{"messages":[{"role":"user","content":"x"}],"model":"m"}"#)
    }

    @Test("An answer is gone on with in the client's own words, under the name of its limit")
    func continuation() throws {
        for (limit, other) in [("max_completion_tokens", "max_tokens"), ("max_tokens", "max_completion_tokens")] {
            var request = try read(Self.client.replacing("max_completion_tokens", with: limit))
            request.messages.append(ChatMessage(.assistant, "so \"far\""))
            request.sampling.maxTokens = 490
            request.extensions["continue_final_message"] = true
            let text = written(request)
            #expect(
                text.contains(
                    #""messages": [{"content":"q\u00e9","role":"user","x":1.0},{"role":"assistant","content":"so \"far\""}] ,"\#(limit)":490,"#
                ), "\(text)")
            #expect(!text.contains("\"\(other)\""))
            #expect(text.hasSuffix(#","continue_final_message":true }"#))
        }
    }

    @Test("-1 sets no limit, and is not passed on to engines, of which few know it")
    func unlimited() throws {
        let start = #"{"model":"m","messages":[{"role":"user","content":"x"}]"#
        let alone = try read(start + #","max_tokens":-1}"#)
        #expect(alone.sampling.maxTokens == nil)
        #expect(written(alone) == start + "}")
        let both = try read(start + #","max_tokens":-1,"max_completion_tokens":7}"#)
        #expect(both.sampling.maxTokens == 7)
        #expect(written(both) == start + #","max_completion_tokens":7}"#)
        var limited = alone
        limited.sampling.maxTokens = 9
        #expect(written(limited) == start + #","max_tokens":9}"#)
        let prompt = try OpenAICompletionRequest.read(Array(#"{"model":"m","prompt":"x","max_tokens":-1}"#.utf8))
        #expect(written(prompt) == #"{"model":"m","prompt":"x"}"#)
    }

    @Test("Streaming is switched where it has to be, and nothing is asked for that the client did not ask for")
    func streams() throws {
        var request = try read(
            #"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}]}"#
        )
        request.streams = false
        #expect(written(request) == #"{"model":"m","stream":false,"messages":[{"role":"user","content":"x"}]}"#)
        var plain = try read(#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#)
        plain.streams = true
        #expect(written(plain) == #"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true}"#)
        let own = ChatRequest(messages: [ChatMessage(.user, "x")], sampling: SamplingOptions(maxTokens: 5))
        #expect(
            written(own) == #"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":5,"stream":true}"#)
    }

    @Test("A changed conversation replaces the client's")
    func changedMessages() throws {
        var request = try read(
            #"{"model":"m","messages":[{"role":"user","content":"a","x":1},{"role":"assistant","content":"b"}]}"#)
        request.messages.removeLast()
        #expect(written(request) == #"{"model":"m","messages":[{"role":"user","content":"a","x":1}]}"#)
        request.messages.insert(ChatMessage(.system, "s"), at: 0)
        #expect(
            written(request)
                == #"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"a","x":1}]}"#)
    }

    @Test("A request means the same after it was sent to a kin")
    func coded() throws {
        var request = try read(Self.client)
        request.messages.append(ChatMessage(.assistant, "so far"))
        request.sampling.maxTokens = 3
        let again = try JSONBody.decode(ChatRequest.self, from: JSONBody.encode(request))
        #expect(written(again) == written(request))
        #expect(again.messages == request.messages)
    }

    @Test(
        "Prompts of every form are passed on",
        arguments: [#""once""#, #"["once"]"#, #"["a","b"]"#, "[1,2,3]", "[[1],[2]]"])
    func prompts(prompt: String) throws {
        let text = #"{"model":"m","prompt":\#(prompt),"echo":true}"#
        let request = try OpenAICompletionRequest.read(Array(text.utf8))
        #expect(written(request) == text)
        #expect((request.messages[0].content == .text("once")) == prompt.contains("once"))
        var longer = request
        longer.messages = [ChatMessage(.user, "once upon")]
        #expect(written(longer) == #"{"model":"m","prompt":"once upon","echo":true}"#)
    }
}
