// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("A request in Anthropic's dialect")
struct AnthropicMessagesRequestTests {
    private func read(_ text: String) throws -> AnthropicMessagesRequest {
        try AnthropicMessagesRequest.read(Array(text.utf8))
    }

    private func chat(_ members: String) throws -> ChatRequest { try read(#"{"max_tokens":9,\#(members)}"#).chat }

    private func turns(_ turns: String) throws -> [ChatMessage] { try chat(#""messages":[\#(turns)]"#).messages }

    @Test("What routing and engines need is read, and the rest is overlooked")
    func fields() throws {
        let request = try read(
            #"""
            {"model":"m","max_tokens":5,"system":"Be brief.","messages":[{"role":"user","content":"hi"}],"stream":true,
            "temperature":0.5,"top_p":1,"top_k":40,"stop_sequences":["END",""],"metadata":{"user_id":"u"},
            "context_management":{"edits":[]},"betas":["b"],"unheard_of":[{"deeply":null}],
            "thinking":{"type":"adaptive","display":"updates"},"output_config":{"effort":"max"}}
            """#)
        #expect(request.chat.model == "m")
        #expect(request.chat.messages == [ChatMessage(.system, "Be brief."), ChatMessage(.user, "hi")])
        #expect(request.chat.streams && request.chat.includesUsage)
        #expect(request.chat.body == nil)
        #expect(
            request.chat.sampling == SamplingOptions(maxTokens: 5, temperature: 0.5, topP: 1, stop: ["END"]))
        #expect(request.chat.extensions["top_k"] == 40)
        #expect(request.chat.extensions["reasoning_effort"] == "high")
        // For engines of the same dialect, in the client's words.
        #expect(request.chat.extensions["thinking"] == ["type": "adaptive", "display": "updates"])
        #expect(request.chat.extensions["output_config"] == ["effort": "max"])
        #expect(request.chat.extensions.count == 4)
        #expect(request.wantsThoughts)
    }

    @Test(
        "Thoughts are for those who ask for them",
        arguments: [
            (#"{"type":"enabled","budget_tokens":31999}"#, true), (#"{"type":"adaptive"}"#, true),
            (#"{"type":"adaptive","display":"omitted"}"#, false), (#"{"type":"disabled"}"#, false), ("null", false),
            (#"{"type":"between_tools"}"#, true),
        ])
    func thoughts(thinking: String, isWanted: Bool) throws {
        let request = try read(
            #"{"max_tokens":1,"messages":[{"role":"user","content":"x"}],"thinking":\#(thinking)}"#)
        #expect(request.wantsThoughts == isWanted)
    }

    @Test(
        "Text is the same whether it comes as a string or in blocks, marked for a cache or not",
        arguments: [
            #""one two""#, #"[{"type":"text","text":"one two","cache_control":{"type":"ephemeral"}}]"#,
            #"[{"type":"text","text":"one "},{"type":"text","text":"two"}]"#,
            #"[{"type":"text","text":"one two"},{"type":"text","text":"","cache_control":null}]"#,
        ], ["user", "assistant", "system"])
    func sameText(content: String, role: String) throws {
        let messages = try turns(#"{"role":"\#(role)","content":\#(content)}"#)
        #expect(messages.map(\.content) == [.text("one two")])
        #expect(messages.map(\.role.rawValue) == [role])
    }

    @Test("The system prompt is one message, without the line that only a provider's bills need")
    func system() throws {
        let blocks = #"""
            [{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.332.abc;"},
            {"type":"text","text":"You help.","cache_control":{"type":"ephemeral"}},{"type":"text","text":"Be kind."}]
            """#
        let user = #""messages":[{"role":"user","content":"x"}]"#
        #expect(
            try chat(#""system":\#(blocks),\#(user)"#).messages.first == ChatMessage(.system, "You help.\n\nBe kind."))
        #expect(try chat(#""system":[],\#(user)"#).messages.map(\.role) == [.user])
        #expect(try chat(#""system":null,\#(user)"#).messages.map(\.role) == [.user])
    }

    @Test("A system message in the middle stays where it is")
    func systemInTheMiddle() throws {
        let messages = try turns(
            #"{"role":"user","content":"a"},{"role":"system","content":"b"},{"role":"assistant","content":"c"}"#)
        #expect(messages.map(\.role) == [.user, .system, .assistant])
    }

    @Test("Pictures are parts, by their bytes or by their address")
    func pictures() throws {
        let messages = try turns(
            #"""
            {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
            {"type":"image","source":{"type":"url","url":"https://x/y.png"}},{"type":"text","text":"c"}]}
            """#)
        #expect(
            messages.first?.content
                == .parts([
                    ["type": "text", "text": "ab"],
                    ["type": "image_url", "image_url": ["url": "data:image/png;base64,AAAA"]],
                    ["type": "image_url", "image_url": ["url": "https://x/y.png"]],
                    ["type": "text", "text": "c"],
                ]))
    }

    @Test("What the assistant thought, said and called is one message")
    func assistant() throws {
        let messages = try turns(
            #"""
            {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"kith"},
            {"type":"redacted_thinking","data":"zzz","cache_control":{}},{"type":"text","text":"Well."},
            {"type":"thinking","thinking":" ha","signature":"theirs"},{"type":"compaction","content":" Before: x."},
            {"type":"tool_use","id":"a","name":"add","input":{"z":1.50,"y":[null]}},
            {"type":"server_tool_use","id":"s","name":"web_search","input":{}},
            {"type":"web_search_tool_result","tool_use_id":"s","content":[]},
            {"type":"tool_use","id":"b","name":"now","input":{}}]}
            """#)
        let calls: JSONValue = [
            ["id": "a", "type": "function", "function": ["name": "add", "arguments": #"{"z":1.5,"y":[null]}"#]],
            ["id": "b", "type": "function", "function": ["name": "now", "arguments": "{}"]],
        ]
        #expect(
            messages == [
                ChatMessage(
                    role: .assistant, content: .text("Well. Before: x."), toolCalls: calls,
                    extra: [
                        "reasoning_content": "hm ha",
                        "thinking_blocks": [
                            ["type": "redacted_thinking", "data": "zzz"],
                            ["type": "thinking", "thinking": " ha", "signature": "theirs"],
                        ],
                    ])
            ])
    }

    @Test("The results of tools come right after the calls, in the order in which they came")
    func results() throws {
        let messages = try turns(
            #"""
            {"role":"assistant","content":[{"type":"tool_use","id":"a","name":"see","input":{}},
            {"type":"tool_use","id":"b","name":"add","input":{}}]},
            {"role":"user","content":[{"type":"text","text":"and?"},
            {"type":"tool_result","tool_use_id":"b","content":"2","is_error":true},
            {"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"it "},{"type":"text","text":"is"},
            {"type":"image","source":{"type":"url","url":"u"}}]},{"type":"tool_result","tool_use_id":"c"}]}
            """#)
        #expect(messages.map(\.role) == [.assistant, .tool, .tool, .tool, .user])
        #expect(messages.first?.content == MessageContent.none)
        #expect(messages.map(\.toolCallID) == [nil, "b", "a", "c", nil])
        #expect(
            messages.dropFirst().dropLast().map(\.content) == [
                .text("The tool failed:\n2"), .text("it is\nThe pictures of this result are in the next message."),
                .text(""),
            ])
        #expect(messages[1].extra == ["is_error": true] && messages[2].extra.isEmpty)
        #expect(messages[1].openAI["is_error"] == nil)
        #expect(
            messages.last?.content
                == .parts([
                    ["type": "image_url", "image_url": ["url": "u"]], ["type": "text", "text": "and?"],
                ]))
    }

    @Test("Only tools that the client runs are offered, and deferred ones once a result has brought them in")
    func tools() throws {
        let tools = #"""
            "tools":[{"name":"add","description":"Adds.","input_schema":{"type":"object","$schema":"s"}},
            {"type":"custom","name":"now"},{"type":"web_search_20250305","name":"web_search"},
            {"name":"late","defer_loading":true},{"name":"later","defer_loading":true}]
            """#
        let user = #"{"role":"user","content":"x"}"#
        let add: JSONValue = [
            "type": "function",
            "function": ["name": "add", "description": "Adds.", "parameters": ["type": "object", "$schema": "s"]],
        ]
        let offered = try chat(#"\#(tools),"messages":[\#(user)]"#).extensions["tools"]?.arrayValue
        #expect(offered?.first == add)
        #expect(offered?.map { $0["function"]?["name"] } == ["add", "now"])
        let result = #"""
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t",
            "content":[{"type":"tool_reference","tool_name":"later"}]}]}
            """#
        let loaded = try chat(#"\#(tools),"messages":[\#(user),\#(result)]"#).extensions["tools"]?.arrayValue
        #expect(loaded?.map { $0["function"]?["name"] } == ["add", "now", "later"])
        let none = try chat(
            #""tools":[{"name":"late","defer_loading":true}],"tool_choice":{"type":"any"},"messages":[\#(user)]"#)
        #expect(none.extensions.isEmpty)
    }

    @Test(
        "Which tool is to be called is said in OpenAI's words",
        arguments: [
            (#"{"type":"auto"}"#, "auto", nil), (#"{"type":"any"}"#, "required", nil),
            (#"{"type":"none"}"#, "none", nil),
            (
                #"{"type":"tool","name":"add","disable_parallel_tool_use":true}"#,
                ["type": "function", "function": ["name": "add"]], false
            ),
        ] as [(String, JSONValue, JSONValue?)])
    func toolChoice(choice: String, tool: JSONValue, parallel: JSONValue?) throws {
        let request = try chat(
            #""tools":[{"name":"add"}],"tool_choice":\#(choice),"messages":[{"role":"user","content":"x"}]"#)
        #expect(request.extensions["tool_choice"] == tool)
        #expect(request.extensions["parallel_tool_calls"] == parallel)
    }

    @Test("A schema for the answer becomes a response format")
    func schema() throws {
        let request = try chat(
            #""output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},"messages":[{"role":"user","content":"x"}]"#
        )
        #expect(
            request.extensions["response_format"]
                == [
                    "type": "json_schema",
                    "json_schema": ["name": "answer", "schema": ["type": "object"], "strict": true],
                ])
    }

    @Test("Tools that the conversation brings in come last, in its order, and go when it takes them away")
    func toolChanges() throws {
        let tools = #"""
            "tools":[{"name":"c","defer_loading":true},{"name":"b","defer_loading":true},{"name":"a"},
            {"name":"d","defer_loading":true}]
            """#
        func change(_ kind: String, _ name: String) -> String {
            #"{"role":"system","content":[{"type":"tool_\#(kind)","tool":{"type":"tool_reference","name":"\#(name)"}}]}"#
        }
        func offered(_ turns: [String]) throws -> [String?]? {
            try chat(#"\#(tools),"messages":[{"role":"user","content":"x"},\#(turns.joined(separator: ","))]"#)
                .extensions["tools"]?.arrayValue?.map { $0["function"]?["name"]?.stringValue }
        }
        #expect(try offered([change("addition", "b"), change("addition", "c")]) == ["a", "b", "c"])
        #expect(try offered([change("addition", "b"), change("removal", "b"), change("removal", "a")]) == nil)
        let found = #"""
            {"role":"assistant","content":[{"type":"tool_search_tool_result","tool_use_id":"t",
            "content":{"type":"tool_search_tool_search_result","tool_references":[{"tool_name":"d"}]}}]}
            """#
        #expect(try offered([found]) == ["a", "d"])
        #expect(
            try turns(change("addition", "b")) == [ChatMessage(.system, "The tool b can be used now.\n")])
    }

    @Test(
        "How much a model is to think is said in OpenAI's words",
        arguments: [
            (#""thinking":{"type":"disabled"}"#, "none"), (#""thinking":{"type":"adaptive"}"#, nil),
            (#""thinking":{"type":"enabled","budget_tokens":1024}"#, "low"),
            (#""thinking":{"type":"enabled","budget_tokens":8000}"#, "medium"),
            (#""thinking":{"type":"enabled","budget_tokens":31999}"#, "high"),
            (#""thinking":{"type":"enabled","budget_tokens":31999},"output_config":{"effort":"low"}"#, "low"),
            (#""output_config":{"effort":"medium"}"#, "medium"), (#""output_config":{"effort":"xhigh"}"#, "high"),
            (#""output_config":{"effort":"a word to come"}"#, nil),
        ] as [(String, String?)])
    func effort(fields: String, word: String?) throws {
        let request = try chat(#"\#(fields),"messages":[{"role":"user","content":"x"}]"#)
        #expect(request.extensions["reasoning_effort"]?.stringValue == word)
    }

    @Test("Documents and search results are text, with what is said of them before it")
    func documents() throws {
        let messages = try turns(
            #"""
            {"role":"user","content":[
            {"type":"document","title":"Notes","context":"Old.","source":{"type":"text","media_type":"text/plain","data":"a b"}},
            {"type":"document","source":{"type":"content","content":[{"type":"text","text":"c"},
            {"type":"image","source":{"type":"url","url":"u"}}]}},
            {"type":"search_result","title":"T","source":"https://x","content":[{"type":"text","text":"found"}],
            "citations":{"enabled":false}},{"type":"text","text":"Why?"}]}
            """#)
        #expect(
            messages.map(\.content) == [
                .parts([
                    ["type": "text", "text": "Notes\nOld.\na b\nc\n"],
                    ["type": "image_url", "image_url": ["url": "u"]],
                    ["type": "text", "text": "T\nhttps://x\nfound\nWhy?"],
                ])
            ])
    }

    @Test("A turn adds to what an engine has read, and changes nothing of it")
    func stableBeginning() throws {
        func body(_ version: String, _ system: String, _ turns: String) throws -> String {
            let request = try chat(
                #"""
                "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.332.\#(version);"},
                {"type":"text","text":"You help."}],"tools":[{"name":"add","input_schema":{"type":"object"}},
                {"name":"late","defer_loading":true}],"messages":[{"role":"user","content":"go"},
                {"role":"system","content":\#(system)},\#(turns)]
                """#)
            let body = try JSONValue(parsing: OpenAIRequestEncoder.body(for: request, model: "m"))
            return String(decoding: try #require(body["messages"]).jsonBytes, as: UTF8.self)
        }
        let first = try body(
            "abc", #"[{"type":"text","text":"Agents.","cache_control":{"type":"ephemeral"}}]"#,
            #"""
            {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"kith"},
            {"type":"tool_use","id":"a","name":"add","input":{"y":1.0,"x":[]}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1","is_error":true,
            "cache_control":{"type":"ephemeral"}}]}
            """#)
        let second = try body(
            "def", #""Agents.""#,
            #"""
            {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"kith"},
            {"type":"tool_use","id":"a","name":"add","input":{"y":1.0,"x":[]}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"1"}],
            "is_error":true}]},{"role":"assistant","content":"Well."},{"role":"user","content":"again"}
            """#)
        #expect(second.hasPrefix(first.dropLast()))
    }

    @Test("What is counted needs no limit, and the definitions of tools count")
    func counted() throws {
        func count(_ text: String) throws -> Int {
            try AnthropicMessagesRequest.readToCount(Array(text.utf8)).chat.estimatedPromptTokens
        }
        let plain = try count(#"{"messages":[{"role":"user","content":"12345678"}]}"#)
        #expect(plain == 6)
        let schema = String(repeating: "x", count: 400)
        let more = try count(
            #"{"messages":[{"role":"user","content":"12345678"}],"tools":[{"name":"a","description":"\#(schema)"}]}"#)
        #expect(more > 106)
    }

    @Test(
        "What is wrong is refused by name",
        arguments: [
            ("", nil, .malformedRequest), ("[]", nil, .malformedRequest), ("{}", "max_tokens", .malformedRequest),
            (#"{"max_tokens":0}"#, "max_tokens", .invalidRequest),
            (#"{"max_tokens":"many"}"#, "max_tokens", .invalidRequest),
            (#"{"max_tokens":1.5}"#, "max_tokens", .invalidRequest),
            (#"{"max_tokens":1}"#, "messages", .malformedRequest),
            (#"{"max_tokens":1,"messages":[]}"#, "messages", .malformedRequest),
            (#"{"max_tokens":1,"messages":"x"}"#, "messages", .invalidRequest),
            (#"{"max_tokens":1,"messages":[7]}"#, "messages.0", .invalidRequest),
            (#"{"max_tokens":1,"messages":[{"content":"x"}]}"#, "messages.0.role", .malformedRequest),
            (#"{"max_tokens":1,"messages":[{"role":"wizard","content":"x"}]}"#, "messages.0.role", .invalidRequest),
            (#"{"max_tokens":1,"messages":[{"role":"user"}]}"#, "messages.0.content", .malformedRequest),
            (#"{"max_tokens":1,"messages":[{"role":"user","content":3}]}"#, "messages.0.content", .invalidRequest),
            (
                #"{"max_tokens":1,"messages":[{"role":"user","content":[{"text":"x"}]}]}"#,
                "messages.0.content.0.type", .malformedRequest
            ),
            (
                #"{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file"}}]}]}"#,
                "messages.0.content.0.source.type", .unsupported
            ),
            (
                #"{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"thing_to_come"}]}]}"#,
                "messages.0.content.0.type", .unsupported
            ),
            (
                #"{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"image"}]}]}"#,
                "messages.0.content.0.type", .unsupported
            ),
            (
                #"""
                {"max_tokens":1,"messages":[{"role":"user","content":[{"type":"document",
                "source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}]}]}
                """#,
                "messages.0.content.0.source.type", .unsupported
            ),
            (
                #"""
                {"max_tokens":1,"messages":[{"role":"user","content":[{"type":"document","citations":{"enabled":true},
                "source":{"type":"text","data":"x"}}]}]}
                """#,
                "messages.0.content.0.citations.enabled", .unsupported
            ),
            (
                #"""
                {"max_tokens":1,"messages":[{"role":"user","content":"x"}],"tool_choice":{"type":"tool","name":"web_search"},
                "tools":[{"type":"web_search_20250305","name":"web_search"}]}
                """#,
                "tool_choice.name", .unsupported
            ),
            (
                #"{"max_tokens":1,"messages":[{"role":"user","content":"x"}],"output_format":{"type":"csv"}}"#,
                "output_format.type", .unsupported
            ),
            (#"{"max_tokens":1,"messages":[{"role":"user","content":"x"}],"thinking":3}"#, "thinking", .invalidRequest),
            (
                #"{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result"}]}]}"#,
                "messages.0.content.0.tool_use_id", .malformedRequest
            ),
            (
                #"{"max_tokens":1,"messages":[{"role":"user","content":"x"}],"tools":[{}]}"#, "tools.0.name",
                .malformedRequest
            ),
            (
                #"{"max_tokens":1,"messages":[{"role":"user","content":"x"}],"stop_sequences":[1]}"#,
                "stop_sequences.0", .invalidRequest
            ),
            (
                #"{"max_tokens":1,"messages":[{"role":"user","content":"x"}],"temperature":"hot"}"#, "temperature",
                .invalidRequest
            ),
        ] as [(String, String?, ChatError.Code)])
    func wrong(body: String, field: String?, code: ChatError.Code) throws {
        let failure = #expect(throws: ChatError.self) { try read(body) }
        #expect(failure?.code == code)
        #expect(failure?.field == field)
    }
}
