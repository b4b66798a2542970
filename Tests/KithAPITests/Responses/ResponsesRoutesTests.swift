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

@Suite("The Responses dialect", .timeLimit(.minutes(2)))
struct ResponsesRoutesTests {
    private static let path = "/v1/responses"

    private func body(_ prompt: String, stream: Bool = false, _ more: String = "") -> String {
        #"{"stream":\#(stream),"input":[{"role":"user","content":"\#(prompt)"}]\#(more)}"#
    }

    private func events(_ text: String) throws -> [JSONValue] {
        var decoder = ServerSentEventDecoder()
        return try decoder.feed(Array(text.utf8)).map { try JSONValue(parsing: $0.data.utf8) }
    }

    private func types(_ events: [JSONValue]) -> [String] { events.compactMap { $0["type"]?.stringValue } }

    private func text(_ events: [JSONValue]) -> String {
        events.filter { $0["type"] == "response.output_text.delta" }.compactMap { $0["delta"]?.stringValue }.joined()
    }

    @Test("A plain answer is one response, with its usage and its route, with and without /v1", arguments: ["/v1", ""])
    func plain(root: String) async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.POST, root + "/responses", body("one two three"))
            #expect(reply.status == 200)
            #expect(reply.headers.first(name: "x-kith-route")?.contains("node=node") == true)
            let response = try reply.json()
            #expect(response["id"]?.stringValue?.hasPrefix("resp_") == true)
            #expect(response["object"] == "response" && response["status"] == "completed")
            #expect(response["model"] == "echo" && response["error"] == JSONValue.null)
            let message = response["output"]?.arrayValue?.first
            #expect(message?["type"] == "message" && message?["role"] == "assistant")
            #expect(message?["content"]?.arrayValue?.first?["text"] == "one two three")
            #expect(response["usage"]?["input_tokens"] == 3 && response["usage"]?["total_tokens"] == 6)
        }
    }

    @Test("A stream has its events in order, each by name, without [DONE]")
    func streamed() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.POST, Self.path, body(#"one two \u2028three"#, stream: true))
            #expect(reply.headers.first(name: "content-type") == "text/event-stream")
            #expect(!reply.text.contains("[DONE]") && !reply.text.unicodeScalars.contains("\u{2028}"))
            let events = try events(reply.text)
            #expect(types(events).prefix(2) == ["response.created", "response.in_progress"])
            #expect(types(events).suffix(2) == ["response.output_item.done", "response.completed"])
            #expect(events.map { $0["sequence_number"]?.intValue } == Array(0..<events.count))
            #expect(text(events) == "one two \u{2028}three")
            #expect(events.last?["response"]?["usage"]?["output_tokens"] == 3)
            #expect(events.first?["response"]?["model"] == "echo")
        }
    }

    @Test("The limit holds, and the answer says that it is incomplete")
    func limit() async throws {
        try await TestNode.run(engine: CountEngine()) { node in
            let response = try await node.send(.POST, Self.path, body("x", #","max_output_tokens":3"#)).json()
            #expect(response["status"] == "incomplete")
            #expect(response["incomplete_details"]?["reason"] == "max_output_tokens")
        }
    }

    @Test("The engine is told of tools and of what went before, and what it thinks and calls are items")
    func tools() async throws {
        let engine = ToldEngine([
            .delta(ChatDelta(reasoning: "hm")), .delta(ChatDelta(text: "Well.")),
            .delta(
                ChatDelta(toolCalls: [
                    ["index": 0, "id": "c", "type": "function", "function": ["name": "add", "arguments": "{\"x\":"]]
                ])),
            .delta(ChatDelta(toolCalls: [["index": 0, "function": ["arguments": "1}"]]])),
            .finished(.toolCalls, TokenUsage(promptTokens: 9, completionTokens: 4)),
        ])
        let more =
            #","store":false,"tools":[{"type":"function","name":"add","parameters":{"type":"object"}},{"type":"web_search"}]"#
        try await TestNode.run(engine: engine) { node in
            let response = try await node.send(.POST, Self.path, body("go", more)).json()
            let output = try #require(response["output"]?.arrayValue)
            #expect(output.map { $0["type"] } == ["reasoning", "message", "function_call"])
            #expect(output.last?["arguments"] == #"{"x":1}"# && output.last?["call_id"] == "c")
            let streamed = try events(try await node.send(.POST, Self.path, body("go", stream: true, more)).text)
            let done = streamed.filter { $0["type"] == "response.output_item.done" }.compactMap { $0["item"]?["type"] }
            #expect(done == ["reasoning", "message", "function_call"])
        }
        let request = try #require(engine.requests.first)
        #expect(request.extensions["tools"]?.arrayValue?.count == 1)
        #expect(request.body == nil)
    }

    @Test("A stream that breaks has failed, and no half of it is done; before its first token it has its status")
    func broken() async throws {
        try await TestNode.run(engine: BreakingEngine(words: 3)) { node in
            let reply = try await node.send(.POST, Self.path, body("one two three four", stream: true))
            #expect(reply.status == 200)
            let events = try events(reply.text)
            #expect(events.last?["type"] == "response.failed")
            #expect(events.last?["response"]?["error"]?["code"] == "server_error")
            #expect(text(events) == "one two three ")
            #expect(!types(events).contains("response.output_item.done"))
        }
        try await TestNode.run(engine: BreakingEngine(words: 0)) { node in
            let reply = try await node.send(.POST, Self.path, body("x", stream: true))
            #expect(reply.status == 502)
            #expect(try reply.json()["error"]?["type"] == "server_error")
        }
    }

    @Test("A prompt that is too long has the code by which programs shorten it, in a stream as a failed response")
    func tooLong() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let words = String(repeating: "x ", count: 9_000)
            let plain = try await node.send(.POST, Self.path, body(words))
            #expect(plain.status == 400)
            #expect(try plain.json()["error"]?["code"] == "context_length_exceeded")
            let streamed = try await node.send(.POST, Self.path, body(words, stream: true))
            #expect(streamed.status == 200)
            let events = try events(streamed.text)
            #expect(types(events) == ["response.created", "response.in_progress", "response.failed"])
            #expect(events.last?["response"]?["error"]?["code"] == "context_length_exceeded")
        }
    }

    @Test("What is wrong is said in OpenAI's shape, whatever it is")
    func errors() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let cases: [(HTTPMethod, String, String?, Int, String?)] = [
                (.POST, Self.path, "{", 400, nil), (.POST, "/responses", "{}", 400, nil),
                (.POST, Self.path, body("x", #","background":true"#), 400, "unsupported"),
                (.POST, Self.path, body("x", #","model":"gone""#), 404, "model_not_found"),
                (.POST, Self.path, body("x", stream: true, #","model":"gone""#), 404, "model_not_found"),
                (
                    .POST, Self.path, body("x", #","previous_response_id":"resp_gone""#), 400,
                    "previous_response_not_found"
                ),
                (.PUT, Self.path, "{}", 405, nil), (.GET, Self.path, nil, 405, nil),
                (.GET, Self.path + "/resp_gone", nil, 404, "not_found"),
                (.DELETE, Self.path + "/resp_gone", nil, 404, "not_found"),
                (.GET, Self.path + "/resp_gone/input_items", nil, 404, "not_found"),
                (.POST, Self.path + "/resp_gone/cancel", "{}", 404, "not_found"),
            ]
            for (method, path, body, status, code) in cases {
                let reply = try await node.send(method, path, body)
                #expect(reply.status == status, "\(path): \(reply.text.prefix(500))")
                let error = try reply.json()["error"]
                #expect(error?["message"]?.stringValue?.isEmpty == false)
                if let code { #expect(error?["code"]?.stringValue == code, "\(reply.text.prefix(500))") }
            }
        }
    }

    @Test("A WebSocket is told at once to come over HTTP")
    func webSocket() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                try await connection.send(
                    """
                    GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
                    """)
                return await connection.read { $0.contains("}}") }
            }
            #expect(answer.hasPrefix("HTTP/1.1 426 "))
            #expect(answer.lowercased().contains("upgrade: http/1.1"))
        }
    }

    @Test("Who is asked to come back later is told when")
    func retryAfter() async throws {
        let failure = ChatError(.overloaded, "later", retryAfter: .milliseconds(2_500))
        try await TestNode.run(engine: BreakingEngine(words: 0, failure: failure)) { node in
            let reply = try await node.send(.POST, Self.path, body("x"))
            #expect(reply.status == 503)
            #expect(reply.headers.first(name: "retry-after") == "3")
        }
    }

    @Test("When the client goes in the middle of a stream, the engine stops")
    func clientGone() async throws {
        let counter = GenerationCounter()
        let settings = TestEngineSettings(tokensPerSecond: 50)
        try await TestNode.run(engine: CountEngine(setup: .init(settings: settings, counter: counter))) { node in
            try await RawConnection.open(port: node.address.port) { connection in
                let body = body("x", stream: true, #","max_output_tokens":5000"#)
                try await connection.send(
                    "POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                )
                _ = await connection.read { $0.contains(#""delta":" 3""#) }
            }
            while counter.counts.cancelled == 0 || node.services.engine.status().active > 0 { await Task.yield() }
            #expect(counter.counts.active == 0)
        }
    }

    @Test("Another node goes on with an answer that breaks off, and an event says so")
    func continued() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: BreakingEngine(words: 2), kin: [desk]) { laptop in
                let reply = try await laptop.send(.POST, Self.path, body("one two three four", stream: true))
                let events = try events(reply.text)
                #expect(text(events) == "one two three four")
                #expect(events.last?["type"] == "response.completed")
                if reply.headers.first(name: "x-kith-route")?.contains("node=laptop") == true {
                    let notice = events.first { $0["x_kith"] != nil }
                    #expect(notice?["type"] == "response.in_progress")
                    #expect(notice?["x_kith"]?["continued"]?["node"] == "desk")
                }
            }
        }
    }
}
