// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithTesting
import KithTransport
import Testing

@Suite("A translated request to an OpenAI-compatible engine", .timeLimit(.minutes(1)))
struct TranslatedRequestTests {
    /// A server of the given name that refuses fields, and counts tokens if it can.
    private func serving(
        _ name: String, context: Int? = nil, refusing refused: [(field: String, message: String)] = [],
        _ body: (OpenAICompatibleEngine, StubServer) async throws -> Void
    ) async throws {
        let client = UpstreamClient()
        let responder: StubServer.Responder = { request, answer in
            let asked = DialectStub.json(request)
            switch request.uri {
            case "/v1/models":
                let length = context.map { #","max_model_len":\#($0)"# } ?? ""
                try await answer.send(#"{"object":"list","data":[{"id":"m","owned_by":"\#(name)"\#(length)}]}"#)
            case "/apply-template": try await answer.send(#"{"prompt":"<s>hi</s>"}"#)
            case "/tokenize" where name == "vllm": try await answer.send(#"{"count":5,"max_model_len":9,"tokens":[]}"#)
            case "/tokenize": try await answer.send(#"{"tokens":[1,2,3]}"#)
            default:
                if let refusal = refused.first(where: { asked[$0.field] != nil }) {
                    try await answer.send(
                        #"{"error":{"message":"\#(refusal.message)","param":"\#(refusal.field)"}}"#, status: 400)
                } else {
                    try await OpenAIStub.answer(request, answer)
                }
            }
        }
        try await StubServer.serve(responder) { server in
            var base = server.address
            base.basePath = "/v1"
            try await body(
                OpenAICompatibleEngine(
                    settings: OpenAISettings(address: base, key: .value(Secret("sk-key"))), client: client), server)
        }
        await client.shutDown()
    }

    private var request: ChatRequest {
        ChatRequest(
            model: "m", messages: [ChatMessage(.user, "hi")], sampling: SamplingOptions(maxTokens: 32_000),
            extensions: ["reasoning_effort": "high"])
    }

    private func asked(_ server: StubServer) -> [JSONValue] {
        server.requests.filter { $0.uri == "/v1/chat/completions" }.map { DialectStub.json($0) }
    }

    @Test("A limit and an effort that the engine refuses are left out, and the rest is asked again")
    func refusedFields() async throws {
        let refused: [(field: String, message: String)] = [
            ("reasoning_effort", "Unrecognized request argument supplied: reasoning_effort"),
            ("max_tokens", "max_tokens is too large: 32000"),
        ]
        try await serving("openai", refusing: refused) { engine, server in
            _ = try? await engine.answer(request)
            #expect(asked(server).map { $0["max_tokens"] } == [32_000, 32_000, nil])
            #expect(asked(server).map { $0["reasoning_effort"] } == ["high", nil, nil])
        }
    }

    @Test("A limit goes under the name that the engine asks for")
    func limitName() async throws {
        let refused: [(field: String, message: String)] = [
            ("max_tokens", "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
        ]
        try await serving("openai", refusing: refused) { engine, server in
            _ = try? await engine.answer(request)
            #expect(asked(server).map { $0["max_completion_tokens"] } == [nil, 32_000])
        }
    }

    @Test("System messages in the middle become the user's where the template of a model refuses them")
    func systemInTheMiddle() async throws {
        let refused: [(field: String, message: String)] = [
            ("messages", "Jinja Exception: System message must be at the beginning.")
        ]
        try await serving("llamacpp", refusing: refused) { engine, server in
            var request = request
            request.messages = [
                ChatMessage(.system, "s"), ChatMessage(.user, "a"), ChatMessage(.system, "b"),
                ChatMessage(.assistant, "c"), ChatMessage(.system, "d"), ChatMessage(.user, "e"),
                ChatMessage(.user, "f"),
            ]
            _ = try? await engine.answer(request)
            #expect(asked(server).count == 2)
            let messages = asked(server).last?["messages"]?.arrayValue
            #expect(messages?.map { $0["role"] } == ["system", "user", "assistant", "user", "user"])
            #expect(messages?.map { $0["content"] } == ["s", "a\n\nb", "c", "d\n\ne", "f"])
        }
    }

    @Test("Another refusal is told at once")
    func otherRefusal() async throws {
        try await serving("openai", refusing: [("messages", "no")]) { engine, server in
            let failure = await #expect(throws: ChatError.self) { try await engine.answer(request) }
            #expect(failure?.code == .invalidRequest)
            #expect(asked(server).count == 1)
        }
    }

    @Test("vLLM is asked for no more tokens than its context has room for")
    func clamped() async throws {
        try await serving("vllm", context: 4_096) { engine, server in
            _ = try? await engine.answer(request)
            let limit = try #require(asked(server).first?["max_tokens"]?.intValue)
            #expect((3_500..<4_096).contains(limit))
        }
    }

    @Test("Servers that hand switches to templates are told so not to think")
    func withoutThoughts() async throws {
        try await serving("llamacpp") { engine, server in
            var request = request
            request.extensions["reasoning_effort"] = "none"
            _ = try? await engine.answer(request)
            #expect(asked(server).first?["chat_template_kwargs"] == ["enable_thinking": false])
            #expect(asked(server).first?["reasoning_effort"] == nil)
        }
    }

    @Test(
        "Tokens are counted by servers that can",
        arguments: [("llamacpp", 3), ("vllm", 5), ("openai", nil)] as [(String, Int?)])
    func counted(name: String, tokens: Int?) async throws {
        try await serving(name) { engine, _ in
            let counted = try await engine.promptTokens(of: request)
            #expect(counted == tokens)
        }
    }
}
