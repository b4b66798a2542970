// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithTesting
import KithTransport
import Synchronization
import Testing

@Suite("Anthropic's API as an engine", .timeLimit(.minutes(1)))
struct AnthropicEngineTests {
    private static let answer = [
        #"{"type":"message_start","message":{"usage":{"input_tokens":3}}}"#,
        #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"hm","signature":"s"}}"#,
        #"{"type":"content_block_stop","index":0}"#,
        #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"hi"}}"#,
        #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#,
        #"{"type":"message_stop"}"#,
    ].map { "data: \($0)\n\n" }.joined()

    /// The body that the engine sends for a request, and what the answer is made of.
    private func asked(_ request: ChatRequest) async throws -> (body: JSONValue?, events: [ChatEvent]) {
        let body = Mutex<JSONValue?>(nil)
        let client = UpstreamClient()
        let events = try await StubServer.serve({ request, answer in
            body.withLock { $0 = DialectStub.json(request) }
            try await answer.begin(contentType: "text/event-stream")
            try await answer.write(Self.answer)
            try await answer.end()
        }) { server in
            let engine = AnthropicEngine(
                settings: AnthropicSettings(
                    address: server.address, key: .value(Secret("k")), model: "claude-sonnet-4-5",
                    defaultMaxTokens: 321), client: client)
            guard case .events(let stream) = try await engine.answer(request) else { throw Answered.Verbatim() }
            var events: [ChatEvent] = []
            for try await event in stream { events.append(event) }
            return events
        }
        await client.shutDown()
        return (body.withLock { $0 }, events)
    }

    @Test
    func `a request without a limit gets the node's`() async throws {
        #expect(try await asked(ChatRequest("hi")).body?["max_tokens"] == 321)
        var limited = ChatRequest("hi")
        limited.sampling.maxTokens = 7
        #expect(try await asked(limited).body?["max_tokens"] == 7)
    }

    @Test
    func `what it thought comes with the signature, and goes back as it came`() async throws {
        let (_, events) = try await asked(ChatRequest("hi"))
        var joiner = DeltaJoiner(limit: 1_000)
        for case .delta(let delta) in events {
            let isKept = joiner.add(delta)
            #expect(isKept)
        }
        #expect(joiner.joined.text == "hi")
        #expect(joiner.joined.reasoning == "hm")
        let again = ChatRequest(messages: [
            ChatMessage(.user, "hi"),
            ChatMessage(role: .assistant, content: .text("hi"), extra: joiner.joined.extra), ChatMessage(.user, "and?"),
        ])
        let turn = try await asked(again).body?["messages"]?.arrayValue?[1]["content"]?.arrayValue?.first
        #expect(turn == ["type": "thinking", "thinking": "hm", "signature": "s"])
    }

    @Test
    func `what it cannot be told is refused before it is asked`() async throws {
        var request = ChatRequest("hi")
        request.sampling.seed = 1
        let client = UpstreamClient()
        let nobody = HTTPAddress(scheme: .http, host: "127.0.0.1", port: 1)
        let engine = AnthropicEngine(settings: AnthropicSettings(address: nobody, model: "claude"), client: client)
        let failure = await #expect(throws: ChatError.self) { try await engine.answer(request) }
        await client.shutDown()
        #expect(failure?.code == .unsupported)
        #expect(failure?.field == "seed")
    }

    @Test
    func `a model that thinks is asked anew for an answer that another has begun`() async throws {
        let client = UpstreamClient()
        let engine = AnthropicEngine(settings: AnthropicSettings(model: "claude-sonnet-4-5"), client: client)
        var request = ChatRequest("hi")
        #expect(try await engine.continuationWay(for: request) == .prefill(.init(mayEndInSpace: false)))
        request.extensions["reasoning_effort"] = "high"
        #expect(try await engine.continuationWay(for: request) == .anew)
        await client.shutDown()
    }
}
