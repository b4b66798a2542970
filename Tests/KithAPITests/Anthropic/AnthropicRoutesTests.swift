// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithDialects
import KithInference
import KithModel
import KithServer
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Anthropic's dialect", .timeLimit(.minutes(2)))
struct AnthropicRoutesTests {
    private static let path = "/v1/messages?beta=true"

    private func body(_ prompt: String, stream: Bool = false, _ more: String = "") -> String {
        #"{"max_tokens":100,"stream":\#(stream),"messages":[{"role":"user","content":"\#(prompt)"}]\#(more)}"#
    }

    private func events(_ text: String) throws -> [(name: String?, data: JSONValue)] {
        var decoder = ServerSentEventDecoder()
        return try decoder.feed(Array(text.utf8)).map { ($0.name, try JSONValue(parsing: $0.data.utf8)) }
    }

    private func text(_ events: [(name: String?, data: JSONValue)]) -> String {
        events.compactMap { $0.data["delta"]?["text"]?.stringValue }.joined()
    }

    @Test("A plain answer is one message, with its usage and its route")
    func plain() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.POST, Self.path, body("one two three"))
            #expect(reply.status == 200)
            #expect(reply.headers.first(name: "x-kith-route")?.contains("node=node") == true)
            let message = try reply.json()
            #expect(message["id"]?.stringValue?.hasPrefix("msg_") == true)
            #expect(message["type"] == "message" && message["role"] == "assistant" && message["model"] == "echo")
            #expect(message["content"] == [["type": "text", "text": "one two three"]])
            #expect(message["stop_reason"] == "end_turn")
            #expect(message["stop_sequence"] == JSONValue.null)
            #expect(message["usage"]?["input_tokens"] == 3 && message["usage"]?["output_tokens"] == 3)
        }
    }

    @Test("A stream has its events by name, from message_start to message_stop")
    func streamed() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.POST, Self.path, body(#"one two \u2028three"#, stream: true))
            #expect(reply.headers.first(name: "content-type") == "text/event-stream")
            #expect(!reply.text.unicodeScalars.contains("\u{2028}"))
            let events = try events(reply.text)
            #expect(events.first?.name == "message_start")
            #expect(events.first?.data["message"]?["model"] == "echo")
            #expect(events.suffix(3).map { $0.name ?? "" } == ["content_block_stop", "message_delta", "message_stop"])
            #expect(text(events) == "one two \u{2028}three")
            #expect(events.suffix(2).first?.data["usage"]?["output_tokens"] == 3)
        }
    }

    @Test("The limit and the stop sequences hold")
    func limits() async throws {
        try await TestNode.run(engine: CountEngine()) { node in
            let cut = try await node.send(
                .POST, Self.path, #"{"max_tokens":3,"messages":[{"role":"user","content":"x"}]}"#)
            #expect(try cut.json()["stop_reason"] == "max_tokens")
            let stopped = try await node.send(.POST, Self.path, body("x", #","stop_sequences":["4"]"#))
            let content = try stopped.json()["content"]?.arrayValue?.first?["text"]?.stringValue
            #expect(content?.split(separator: " ") == ["1", "2", "3"])
        }
    }

    @Test("Thoughts and calls are blocks, plain and streamed, and the engine is told of tools and results")
    func tools() async throws {
        let engine = ToldEngine([
            .delta(ChatDelta(reasoning: "hm")), .delta(ChatDelta(text: "Well.")),
            .delta(
                ChatDelta(toolCalls: [
                    ["index": 0, "id": "c", "type": "function", "function": ["name": "add", "arguments": "{\"x\":"]]
                ])),
            .delta(ChatDelta(toolCalls: [["index": 0, "function": ["arguments": "1}"]]])),
            .finished(
                .toolCalls,
                TokenUsage(
                    promptTokens: 9, completionTokens: 4, details: ["prompt_tokens_details": ["cached_tokens": 5]])),
        ])
        let more = #"""
            ,{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"add","input":{"x":2}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"2"}]}],
            "thinking":{"type":"enabled","budget_tokens":1024},
            "tools":[{"name":"add","input_schema":{"type":"object"}},{"name":"late","defer_loading":true}]}
            """#
        try await TestNode.run(engine: engine) { node in
            let asked = #"{"max_tokens":9,"stream":false,"messages":[{"role":"user","content":"go"}"# + more
            let message = try await node.send(.POST, Self.path, asked).json()
            #expect(
                message["content"] == [
                    ["type": "thinking", "thinking": "hm", "signature": "kith"], ["type": "text", "text": "Well."],
                    ["type": "tool_use", "id": "c", "name": "add", "input": ["x": 1]],
                ])
            #expect(message["stop_reason"] == "tool_use")
            #expect(message["usage"]?["input_tokens"] == 4 && message["usage"]?["cache_read_input_tokens"] == 5)
            let streamed = try await node.send(
                .POST, Self.path, asked.replacing(#""stream":false"#, with: #""stream":true"#))
            let starts = try events(streamed.text).compactMap { $0.data["content_block"]?["type"]?.stringValue }
            #expect(starts == ["thinking", "text", "tool_use"])
        }
        let request = try #require(engine.requests.first)
        #expect(request.messages.map(\.role) == [.user, .assistant, .tool])
        #expect(request.messages.last?.toolCallID == "a")
        #expect(request.extensions["tools"]?.arrayValue?.count == 1)
        #expect(request.body == nil)
    }

    @Test("A stream that breaks ends with an error, never with message_stop; before its first token it has its status")
    func broken() async throws {
        try await TestNode.run(engine: BreakingEngine(words: 3)) { node in
            let reply = try await node.send(.POST, Self.path, body("one two three four", stream: true))
            #expect(reply.status == 200)
            let events = try events(reply.text)
            #expect(events.last?.name == "error")
            #expect(events.last?.data["type"] == "error")
            #expect(events.last?.data["error"]?["type"] == "api_error")
            #expect(text(events) == "one two three ")
            #expect(!events.contains { $0.name == "message_stop" || $0.name == "message_delta" })
        }
        try await TestNode.run(engine: BreakingEngine(words: 0)) { node in
            let reply = try await node.send(.POST, Self.path, body("x", stream: true))
            #expect(reply.status == 502)
            #expect(try reply.json()["error"]?["type"] == "api_error")
        }
    }

    @Test("What is wrong is said in Anthropic's shape, whatever it is")
    func errors() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let cases: [(HTTPMethod, String, String?, Int, String)] = [
                (.POST, Self.path, "{", 400, "invalid_request_error"),
                (.POST, Self.path, #"{"messages":[{"role":"user","content":"x"}]}"#, 400, "invalid_request_error"),
                (.POST, Self.path, #"{"max_tokens":1,"messages":3}"#, 400, "invalid_request_error"),
                (.POST, Self.path, body("x", #","model":"gone""#), 404, "not_found_error"),
                (.POST, Self.path, body("x", stream: true, #","model":"gone""#), 404, "not_found_error"),
                (.GET, Self.path, nil, 405, "invalid_request_error"),
                (.POST, "/v1/messages/batches", "{}", 404, "not_found_error"),
                (.POST, "/v1/messages/count_tokens", "[]", 400, "invalid_request_error"),
            ]
            for (method, path, body, status, type) in cases {
                let reply = try await node.send(method, path, body)
                #expect(reply.status == status, "\(reply.text.prefix(500))")
                let error = try reply.json()
                #expect(error["type"] == "error")
                #expect(error["error"]?["type"]?.stringValue == type)
                #expect(error["error"]?["message"]?.stringValue?.isEmpty == false)
            }
        }
    }

    @Test("A body that is too long is refused before it has come")
    func tooLarge() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                try await connection.send(
                    "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10485760\r\n\r\n{")
                return await connection.read { $0.contains("}}") }
            }
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
            #expect(answer.contains(#"{"type":"error","error":{"type":"request_too_large","message":"#))
        }
    }

    @Test("A prompt that is too long is refused in the words by which clients know to shorten it")
    func tooLong() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let words = String(repeating: "x ", count: 9_000)
            let reply = try await node.send(.POST, Self.path, body(words))
            #expect(reply.status == 400)
            let error = try reply.json()["error"]
            #expect(error?["message"] == "prompt is too long: 9000 tokens > 8192 maximum")
        }
        try await TestNode.run(engine: ToldEngine([])) { node in
            let reply = try await node.send(.POST, Self.path, body(String(repeating: "x", count: 8_000)))
            #expect(reply.status == 400)
            #expect(try reply.json()["error"]?["message"] == "prompt is too long: 2004 tokens > 1000 maximum")
        }
    }

    @Test("Who is asked to come back later is told when")
    func retryAfter() async throws {
        let failure = ChatError(.overloaded, "later", retryAfter: .milliseconds(2_500))
        try await TestNode.run(engine: BreakingEngine(words: 0, failure: failure)) { node in
            let reply = try await node.send(.POST, Self.path, body("x"))
            #expect(reply.status == 503)
            #expect(reply.headers.first(name: "retry-after") == "3")
            #expect(try reply.json()["error"]?["type"] == "overloaded_error")
        }
    }

    @Test("A key is taken under both names, and a wrong one is an authentication error")
    func keys() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            let key = try await node.key([.chat])
            for headers in [["x-api-key": key], ["authorization": "Bearer \(key)"]] as [HTTPHeaders] {
                #expect(try await node.send(.POST, Self.path, headers: headers, body("x")).status == 200)
            }
            let refused = try await node.send(.POST, Self.path, headers: ["x-api-key": "kith_wrong"], body("x"))
            #expect(refused.status == 401)
            #expect(try refused.json()["error"]?["type"] == "authentication_error")
            let other = try await node.key([.read])
            let forbidden = try await node.send(.POST, Self.path, headers: ["x-api-key": other], body("x"))
            #expect(forbidden.status == 403)
            #expect(try forbidden.json()["error"]?["type"] == "permission_error")
        }
    }

    @Test("Tokens are counted by the engine that would answer, also a kin's, and estimated where it cannot")
    func countedByEngine() async throws {
        let question = #"{"messages":[{"role":"user","content":"12345678"}]}"#
        @Sendable func expect(_ count: Int, at node: TestNode) async throws {
            let reply = try await node.send(.POST, "/v1/messages/count_tokens", question)
            #expect(try reply.json()["input_tokens"] == .integer(Int64(count)))
        }
        try await TestNode.run("desk", engine: ToldEngine([], promptTokens: .success(77))) { desk in
            try await expect(77, at: desk)
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                try await expect(77, at: laptop)
            }
        }
        let broken = ToldEngine([], promptTokens: .failure(ChatError(.engineError, "no")))
        try await TestNode.run(engine: broken) { node in try await expect(6, at: node) }
    }

    @Test("Tokens are estimated without asking anybody where the engine has no tokenizer to ask")
    func counted() async throws {
        let counter = GenerationCounter()
        try await TestNode.run(engine: EchoEngine(setup: .init(counter: counter))) { node in
            let reply = try await node.send(
                .POST, "/v1/messages/count_tokens?beta=true", #"{"messages":[{"role":"user","content":"12345678"}]}"#)
            #expect(reply.status == 200)
            #expect(try reply.json() == ["input_tokens": 6])
            #expect(counter.counts == .init())
        }
    }

    @Test("Models are listed in the form of the client that asks")
    func models() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let version: HTTPHeaders = ["anthropic-version": "2023-06-01"]
            let page = try await node.send(.GET, "/v1/models?limit=1000", headers: version).json()
            #expect(page["data"]?.arrayValue?.map { $0["id"] } == ["echo", "auto", "code", "fast"])
            #expect(page["data"]?.arrayValue?.first?["type"] == "model")
            #expect(page["first_id"] == "echo" && page["last_id"] == "fast" && page["has_more"] == false)
            let agent: HTTPHeaders = ["user-agent": "claude-code/2.1.332 (cli)"]
            let found = try await node.send(.GET, "/v1/models?limit=1000", headers: agent).json()
            #expect(found["has_more"] == false)
            let gone = try await node.send(.GET, "/v1/models/gone", headers: version)
            #expect(gone.status == 404)
            #expect(try gone.json()["type"] == "error")
            #expect(try gone.json()["error"]?["type"] == "not_found_error")
            #expect(try await node.send(.GET, "/v1/models/gone").json()["error"]?["code"] == "model_not_found")
            let one = try await node.send(.GET, "/v1/models/echo", headers: version).json()
            #expect(one["display_name"] == "echo")
            #expect(try await node.send(.GET, "/v1/models").json()["object"] == "list")
        }
    }

    @Test("Who looks whether anybody is there needs no key")
    func hello() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            let reply = try await node.send(.GET, "/api/hello")
            #expect(reply.status == 200)
        }
    }

    @Test("A call that breaks off is not closed, so that nobody runs it")
    func brokenCall() async throws {
        let engine = ToldEngine([
            .delta(
                ChatDelta(toolCalls: [["index": 0, "id": "c", "function": ["name": "add", "arguments": "{\"x\":"]]]))
        ])
        try await TestNode.run(engine: engine) { node in
            let reply = try await node.send(
                .POST, Self.path, body("x", stream: true, #","tools":[{"name":"add"}],"stop_sequences":["never"]"#))
            let events = try events(reply.text)
            #expect(events.contains { $0.name == "content_block_start" } == reply.text.contains("tool_use"))
            #expect(events.last?.name == "error" || reply.status == 502)
            #expect(!events.contains { $0.name == "content_block_stop" })
        }
    }

    @Test("A node that nobody knows is the client's mistake, and no model that is missing")
    func unknownNode() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.POST, Self.path, headers: ["x-kith-node": "attic"], body("x"))
            #expect(reply.status == 400)
            #expect(try reply.json()["error"]?["type"] == "invalid_request_error")
        }
    }

    @Test("When the client goes in the middle of a stream, the engine stops")
    func clientGone() async throws {
        let counter = GenerationCounter()
        let settings = TestEngineSettings(tokensPerSecond: 50)
        try await TestNode.run(engine: CountEngine(setup: .init(settings: settings, counter: counter))) { node in
            try await RawConnection.open(port: node.address.port) { connection in
                let body = #"{"stream":true,"max_tokens":5000,"messages":[{"role":"user","content":"x"}]}"#
                try await connection.send(
                    "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                )
                _ = await connection.read { $0.contains(#""text":" 3""#) }
            }
            while counter.counts.cancelled == 0 || node.services.engine.status().active > 0 { await Task.yield() }
            #expect(counter.counts.active == 0)
        }
    }

    @Test("Another node goes on with an answer that breaks off, and a comment says so")
    func continued() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: BreakingEngine(words: 2), kin: [desk]) { laptop in
                let reply = try await laptop.send(.POST, Self.path, body("one two three four", stream: true))
                let events = try events(reply.text)
                #expect(text(events) == "one two three four")
                #expect(events.last?.name == "message_stop")
                if reply.headers.first(name: "x-kith-route")?.contains("node=laptop") == true {
                    #expect(reply.text.contains(#": x_kith {"continued":{"node":"desk""#))
                }
            }
        }
    }
}
