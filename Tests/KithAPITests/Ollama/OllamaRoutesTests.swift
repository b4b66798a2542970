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

@Suite("Ollama's dialect", .timeLimit(.minutes(2)))
struct OllamaRoutesTests {
    private func chat(_ prompt: String, _ more: String = "") -> String {
        #"{"model":"echo","messages":[{"role":"user","content":"\#(prompt)"}]\#(more)}"#
    }

    private func lines(_ reply: TestReply) throws -> [JSONValue] {
        try reply.text.split(separator: "\n").map { try JSONValue(parsing: $0.utf8) }
    }

    private func text(_ lines: [JSONValue]) -> String {
        lines.compactMap { ($0["message"]?["content"] ?? $0["response"])?.stringValue }.joined()
    }

    @Test("An answer streams as lines of JSON unless the client says otherwise, on both routes")
    func answered() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for (path, body) in [
                ("/api/chat", chat(#"one \u2028two"#)),
                ("/api/generate", #"{"model":"echo","prompt":"one \u2028two"}"#),
            ] {
                let reply = try await node.send(.POST, path, body)
                #expect(reply.status == 200)
                #expect(reply.headers.first(name: "content-type") == "application/x-ndjson")
                #expect(reply.headers.first(name: "x-kith-route")?.contains("node=node") == true)
                #expect(!reply.text.unicodeScalars.contains("\u{2028}"))
                let lines = try lines(reply)
                #expect(text(lines) == "one \u{2028}two")
                #expect(lines.dropLast().allSatisfy { $0["done"] == false && $0["model"] == "echo" })
                #expect(lines.last?["done"] == true && lines.last?["done_reason"] == "stop")
                #expect(lines.last?["eval_count"] == 2 && lines.last?["prompt_eval_count"] == 2)
                let plain = try await node.send(.POST, path, body.dropLast() + #","stream":false}"#)
                #expect(plain.headers.first(name: "content-type") == "application/json")
                #expect(try self.text([plain.json()]) == "one \u{2028}two")
                #expect(try plain.json()["done"] == true)
            }
        }
    }

    @Test("The seeds are answered on the same paths as before, whatever they say of a model")
    func seeds() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let seed = try await node.send(.POST, "/api/generate", #"{"prompt":"x y"}"#).json()
            #expect(seed["response"] == "x y" && seed["success"] == true)
            let named = try await node.send(
                .POST, "/api/generate", #"{"prompt":"x","model":"echo","temperature":0.8,"max_tokens":9}"#)
            #expect(try named.json()["success"] == true)
            let conversation = try await node.send(.POST, "/api/chat", #"{"message":"x","model":"echo"}"#).json()
            #expect(conversation["success"] == true && conversation["session"] != nil)
        }
    }

    @Test("A peer's key is answered as a peer's, and Ollama's clients need one that may chat")
    func keys() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            let chatting: HTTPHeaders = ["Authorization": "Bearer \(try await node.key([.chat]))"]
            let peer: HTTPHeaders = ["Authorization": "Bearer \(try await node.key([.peer]))"]
            #expect(try await node.send(.POST, "/api/chat", headers: chatting, chat("x")).status == 200)
            #expect(try await node.send(.POST, "/api/chat", headers: peer, chat("x")).status == 403)
            let body = #"{"prompt":"x","model":"echo","stream":false}"#
            let answer = try await node.send(.POST, "/api/generate", headers: peer, body).json()
            #expect(answer["success"] == true && answer["done"] == nil)
            let refused = try await node.send(.GET, "/api/tags")
            #expect(refused.status == 401)
            #expect(try refused.json()["error"]?.stringValue != nil)
        }
    }

    @Test("Any content type is taken, as by Ollama; from a seed only JSON")
    func contentTypes() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let form: HTTPHeaders = ["Content-Type": "application/x-www-form-urlencoded"]
            let cases = [
                ("/api/chat", chat("x"), 200), ("/api/show", #"{"model":"echo"}"#, 200),
                ("/api/generate", #"{"prompt":"x"}"#, 415),
            ]
            for (path, body, status) in cases {
                let reply = try await node.send(.POST, path, headers: form, body)
                #expect(reply.status == status, "\(path)")
            }
        }
    }

    @Test("The limit and the stop texts of the options hold, and an answer that was cut says so")
    func limits() async throws {
        try await TestNode.run(engine: CountEngine()) { node in
            let cut = try await node.send(
                .POST, "/api/generate", #"{"model":"count","prompt":"x","options":{"num_predict":3}}"#)
            #expect(try lines(cut).last?["done_reason"] == "length")
            let stopped = try await node.send(
                .POST, "/api/generate", #"{"model":"count","prompt":"x","stream":false,"options":{"stop":["4"]}}"#)
            #expect(try stopped.json()["response"]?.stringValue?.split(separator: " ") == ["1", "2", "3"])
        }
    }

    @Test("Thoughts and calls come as Ollama gives them, and the engine is told of tools and results")
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
        let asked = #"""
            {"model":"m","messages":[{"role":"user","content":"go"},{"role":"assistant","tool_calls":[
            {"function":{"name":"add","arguments":{"x":2}}}]},{"role":"tool","tool_name":"add","content":"2"}],
            "tools":[{"type":"function","function":{"name":"add","parameters":{"type":"object"}}}],"think":true,
            "stream":false}
            """#
        let call: JSONValue = ["id": "c", "function": ["index": 0, "name": "add", "arguments": ["x": 1]]]
        try await TestNode.run(engine: engine) { node in
            let plain = try await node.send(.POST, "/api/chat", asked).json()["message"]
            #expect(plain?["thinking"] == "hm" && plain?["content"] == "Well." && plain?["tool_calls"] == [call])
            let streamed = try await node.send(
                .POST, "/api/chat", asked.replacing(#""stream":false"#, with: #""stream":true"#))
            let lines = try lines(streamed)
            #expect(lines.compactMap { $0["message"]?["thinking"] } == ["hm"])
            #expect(lines.compactMap { $0["message"]?["tool_calls"] } == [[call]])
            #expect(lines.last?["done_reason"] == "stop")
        }
        let request = try #require(engine.requests.first)
        #expect(request.messages.map(\.role) == [.user, .assistant, .tool])
        #expect(request.messages.last?.toolCallID == "call_1_0")
        #expect(request.extensions["tools"]?.arrayValue?.count == 1 && request.extensions["think"] == true)
    }

    @Test("A stream that breaks ends with an error and nothing that is done; before its first token it has its status")
    func broken() async throws {
        try await TestNode.run(engine: BreakingEngine(words: 3)) { node in
            let reply = try await node.send(.POST, "/api/chat", #"{"messages":[{"role":"user","content":"a b c d"}]}"#)
            #expect(reply.status == 200)
            let lines = try lines(reply)
            #expect(text(lines) == "a b c ")
            #expect(lines.last?["error"]?.stringValue?.isEmpty == false)
            #expect(!lines.contains { $0["done"] == true })
        }
        try await TestNode.run(engine: BreakingEngine(words: 0)) { node in
            let reply = try await node.send(.POST, "/api/chat", #"{"messages":[{"role":"user","content":"x"}]}"#)
            #expect(reply.status == 502)
            #expect(try reply.json()["error"]?.stringValue != nil)
        }
    }

    @Test("What is wrong is said as a text, and is never a 422")
    func errors() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let cases: [(HTTPMethod, String, String?, Int)] = [
                (.POST, "/api/chat", #"{"model":"gone","messages":[{"role":"user","content":"x"}]}"#, 404),
                (.POST, "/api/chat", #"{"model":"gone","messages":[]}"#, 404),
                (.POST, "/api/generate", #"{"model":"gone","prompt":"x"}"#, 404),
                (.POST, "/api/generate", #"{"model":"gone","prompt":"x","stream":false}"#, 404),
                (.POST, "/api/show", #"{"model":"gone"}"#, 404),
                (.POST, "/api/embed", #"{"model":"gone","input":"x"}"#, 404),
                (.POST, "/api/embed", #"{"model":"gone","input":[]}"#, 404),
                (.POST, "/api/chat", #"{"model":"echo","messages":3}"#, 400),
                (.POST, "/api/generate", #"{"model":"echo","prompt":"x","suffix":"y"}"#, 400),
                (.POST, "/api/generate", #"{"model":"echo","prompt":"x","options":{"seed":"y"}}"#, 400),
                (.POST, "/api/show", "{", 400), (.POST, "/api/show", "{}", 400), (.POST, "/api/embed", "[]", 400),
                (.GET, "/api/show", nil, 405), (.POST, "/api/tags", "{}", 405),
                (.POST, "/api/pull", #"{"model":"gone"}"#, 501), (.DELETE, "/api/delete", #"{"model":"echo"}"#, 501),
                (.POST, "/api/create", "{}", 501), (.POST, "/api/blobs/sha256:aa", "x", 501),
            ]
            for (method, path, body, status) in cases {
                let reply = try await node.send(method, path, body)
                #expect(reply.status == status, "\(path) \(body ?? ""): \(reply.text.prefix(300))")
                #expect(try reply.json()["error"]?.stringValue?.isEmpty == false)
            }
            let unknown = try await node.send(.POST, "/api/show", #"{"model":"gone"}"#).json()
            #expect(unknown["error"]?.stringValue?.hasPrefix("model 'gone' not found") == true)
            #expect(unknown.objectValue?.keys == ["error"])
        }
    }

    @Test("Models are found with and without their tag, aliases too, and each has a card")
    func models() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let list = try await node.send(.GET, "/api/tags").json()["models"]?.arrayValue
            #expect(list?.map { $0["name"] } == ["echo:latest", "auto:latest", "code:latest", "fast:latest"])
            for name in list?.compactMap({ $0["name"]?.stringValue }) ?? [] {
                let card = try await node.send(.POST, "/api/show", #"{"name":"\#(name)"}"#)
                #expect(card.status == 200)
                #expect(try card.json()["capabilities"]?.arrayValue?.first == "completion")
                let asked = #"{"model":"\#(name)","prompt":"hi","stream":false}"#
                let answer = try await node.send(.POST, "/api/generate", asked)
                #expect(answer.status == 200, "\(answer.text)")
                #expect(try answer.json()["model"]?.stringValue == name)
            }
            let card = try await node.send(.POST, "/api/show", #"{"model":"echo"}"#).json()
            #expect(card["model_info"]?["echo.context_length"] == 8_192)
            #expect(try await node.send(.GET, "/api/ps").json() == ["models": []])
            #expect(
                try await node.send(.GET, "/api/version").json()["version"]?.stringValue?.split(separator: ".").count
                    == 3)
            #expect(try await node.send(.HEAD, "/").status == 200)
            let pulled = try await node.send(.POST, "/api/pull", #"{"model":"echo"}"#)
            #expect(pulled.text == "{\"status\":\"success\"}\n")
        }
    }

    @Test("A request without a prompt is answered at once, and no engine is asked")
    func withoutPrompt() async throws {
        let counter = GenerationCounter()
        try await TestNode.run(engine: EchoEngine(setup: .init(counter: counter))) { node in
            let loaded = try await node.send(.POST, "/api/generate", #"{"model":"echo"}"#).json()
            #expect(loaded["done"] == true && loaded["done_reason"] == "load" && loaded["response"] == "")
            let away = try await node.send(.POST, "/api/chat", #"{"model":"echo","messages":[],"keep_alive":0}"#)
            #expect(try away.json()["done_reason"] == "unload")
            #expect(counter.counts == .init())
        }
    }

    @Test("Vectors have the length 1; the older route gives one")
    func embeddings() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let answer = try await node.send(.POST, "/api/embed", #"{"model":"echo","input":["a","b"]}"#).json()
            let vectors = answer["embeddings"]?.arrayValue?.compactMap(\.arrayValue) ?? []
            #expect(vectors.count == 2 && answer["model"] == "echo")
            for vector in vectors {
                let length = vector.reduce(0) { $0 + ($1.doubleValue ?? 0) * ($1.doubleValue ?? 0) }
                #expect(abs(length - 1) < 1e-5)
            }
            #expect(
                try await node.send(.POST, "/api/embed", #"{"model":"echo","input":[]}"#).json()["embeddings"] == [])
            let older = try await node.send(.POST, "/api/embeddings", #"{"model":"echo","prompt":"a"}"#).json()
            #expect(older["embedding"]?.arrayValue?.isEmpty == false)
        }
    }

    @Test("Another node goes on with an answer that breaks off, and an empty piece says so")
    func continued() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: BreakingEngine(words: 2), kin: [desk]) { laptop in
                let reply = try await laptop.send(
                    .POST, "/api/chat", #"{"messages":[{"role":"user","content":"one two three four"}]}"#)
                let lines = try lines(reply)
                #expect(text(lines) == "one two three four")
                #expect(lines.last?["done"] == true)
                if reply.headers.first(name: "x-kith-route")?.contains("node=laptop") == true {
                    let notice = try #require(lines.first { $0["x_kith"] != nil })
                    #expect(notice["x_kith"]?["continued"]?["node"] == "desk")
                    #expect(notice["message"]?["content"] == "" && notice["done"] == false)
                }
            }
        }
    }

    @Test("When the client goes in the middle of a stream, the engine stops")
    func clientGone() async throws {
        let counter = GenerationCounter()
        let settings = TestEngineSettings(tokensPerSecond: 50)
        try await TestNode.run(engine: CountEngine(setup: .init(settings: settings, counter: counter))) { node in
            try await RawConnection.open(port: node.address.port) { connection in
                let body = #"{"messages":[{"role":"user","content":"x"}],"options":{"num_predict":5000}}"#
                try await connection.send(
                    "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                _ = await connection.read { $0.contains(#""content":" 3""#) || $0.contains(#""content":"3"#) }
            }
            while counter.counts.cancelled == 0 || node.services.engine.status().active > 0 { await Task.yield() }
            #expect(counter.counts.active == 0)
        }
    }
}
