// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithDialects
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("OpenAI streams", .timeLimit(.minutes(2)))
struct OpenAIStreamTests {
    private func events(_ text: String) throws -> [String] {
        var decoder = ServerSentEventDecoder()
        return try decoder.feed(Array(text.utf8)).map(\.data)
    }

    private func chunks(_ data: [String]) throws -> [JSONValue] {
        try data.filter { $0 != "[DONE]" }.map { try JSONBody.decode(JSONValue.self, from: Array($0.utf8)) }
    }

    private func choice(_ chunk: JSONValue?) -> JSONValue? { chunk?["choices"]?.arrayValue?.first }

    private func body(_ prompt: String, _ more: String = "") -> String {
        #"{"stream":true,"messages":[{"role":"user","content":"\#(prompt)"}]\#(more)}"#
    }

    @Test("A stream has one id, a role first, one finish reason, and [DONE] last")
    func shape() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.POST, "/v1/chat/completions", body("one two three"))
            #expect(reply.headers.first(name: "content-type") == "text/event-stream")
            let data = try events(reply.text)
            #expect(data.last == "[DONE]")
            let chunks = try chunks(data)
            #expect(Set(chunks.map { $0["id"] }).count == 1)
            #expect(choice(chunks.first)?["delta"]?["role"] == "assistant")
            #expect(chunks.compactMap { choice($0)?["finish_reason"]?.stringValue } == ["stop"])
            #expect(chunks.compactMap { choice($0)?["delta"]?["content"]?.stringValue }.joined() == "one two three")
            #expect(chunks.allSatisfy { choice($0) != nil && $0["usage"] == nil })
        }
    }

    @Test("Usage comes in one more last chunk when it was asked for")
    func usage() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(
                .POST, "/v1/chat/completions", body("one two", #","stream_options":{"include_usage":true}"#))
            let last = try #require(try chunks(try events(reply.text)).last)
            #expect(last["choices"] == [])
            #expect(last["usage"]?["total_tokens"] == 4)
        }
    }

    @Test("Characters at which some clients split lines never stand raw in a stream")
    func lineSeparators() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.POST, "/v1/chat/completions", body(#"a\u2028b\u2029c\u0085d"#))
            #expect(!reply.text.unicodeScalars.contains { ["\u{2028}", "\u{2029}", "\u{85}"].contains($0) })
            let text = try chunks(try events(reply.text))
                .compactMap { choice($0)?["delta"]?["content"]?.stringValue }.joined()
            #expect(text == "a\u{2028}b\u{2029}c\u{85}d")
        }
    }

    @Test("A stream that breaks ends with an explicit error, never with a finish reason or [DONE]")
    func brokenStream() async throws {
        try await TestNode.run(engine: BreakingEngine(words: 3)) { node in
            let reply = try await node.send(.POST, "/v1/chat/completions", body("one two three four"))
            #expect(reply.status == 200)
            let data = try events(reply.text)
            let error = try JSONBody.decode(OpenAIErrorBody.self, from: Array(try #require(data.last).utf8))
            #expect(error.error.message.hasPrefix("the engine broke; no other machine has this model"))
            #expect(!reply.text.contains("[DONE]"))
            #expect(!reply.text.contains(#""finish_reason":"stop""#))
            #expect(try chunks(data.dropLast()).count == 4)
        }
    }

    @Test("A stream that breaks before its first token is an HTTP error")
    func brokenBeforeTheFirstToken() async throws {
        try await TestNode.run(engine: BreakingEngine(words: 0)) { node in
            let reply = try await node.send(.POST, "/v1/chat/completions", body("x"))
            #expect(reply.status == 502)
            #expect(try reply.json()["error"]?["code"] == "interrupted")
        }
    }

    @Test(
        "Who is asked to come back later is told when, in status and header",
        arguments: [
            (ChatError.Code.overloaded, 503, "server_error"), (.noEngine, 503, "server_error"),
            (.rateLimited, 429, "rate_limit_error"),
        ])
    func retryAfter(code: ChatError.Code, status: Int, type: String) async throws {
        let failure = ChatError(code, "later", retryAfter: .milliseconds(2_500))
        try await TestNode.run(engine: BreakingEngine(words: 0, failure: failure)) { node in
            let openAI = try await node.send(.POST, "/v1/chat/completions", body("x"))
            #expect(openAI.status == status)
            #expect(openAI.headers.first(name: "retry-after") == "3")
            #expect(try openAI.json()["error"]?["type"]?.stringValue == type)
        }
        try await TestNode.run(engine: BreakingEngine(words: 0, failure: failure)) { node in
            let seed = try await node.send(.POST, "/api/generate", #"{"prompt":"x"}"#)
            #expect(seed.status == status)
            #expect(seed.headers.first(name: "retry-after") == "3")
            #expect(try seed.json()["success"] == false)
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
                    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                )
                _ = await connection.read { $0.contains(#""content":" 3""#) }
            }
            while counter.counts.cancelled == 0 || node.services.engine.status().active > 0 { await Task.yield() }
            #expect(counter.counts.active == 0)
        }
    }

    @Test("When the client of a plain answer goes, the engine stops")
    func clientOfPlainAnswerGone() async throws {
        let counter = GenerationCounter()
        let settings = TestEngineSettings(tokensPerSecond: 50)
        try await TestNode.run(engine: CountEngine(setup: .init(settings: settings, counter: counter))) { node in
            try await RawConnection.open(port: node.address.port) { connection in
                let body = #"{"max_tokens":5000,"messages":[{"role":"user","content":"x"}]}"#
                try await connection.send(
                    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                )
                while counter.counts.tokens < 2 { await Task.yield() }
            }
            while counter.counts.cancelled == 0 { await Task.yield() }
            #expect(counter.counts.active == 0)
        }
    }
}
