// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithTesting
import KithTransport
import Testing

@Suite("An OpenAI-compatible engine", .timeLimit(.minutes(1)))
struct OpenAICompatibleEngineTests {
    private func serving(
        _ responder: @escaping StubServer.Responder = OpenAIStub.answer,
        _ body: (OpenAICompatibleEngine, StubServer) async throws -> Void
    ) async throws {
        let client = UpstreamClient()
        try await StubServer.serve(responder) { server in
            var base = server.address
            base.basePath = "/v1"
            let settings = OpenAISettings(address: base, key: .value(Secret("sk-key")))
            try await body(OpenAICompatibleEngine(settings: settings, client: client), server)
        }
        await client.shutDown()
    }

    private static let verbatimText =
        #"{ "messages" : [{"role":"user","content":"hi"}], "model":"stub-model:1b", "max_tokens": 2, "odd": 1.0 }"#

    private func request(
        streams: Bool = false, model: ModelID? = DialectStub.model, last: ChatMessage.Role = .user
    ) -> ChatRequest {
        ChatRequest(
            model: model, messages: [ChatMessage(last, "hi")], streams: streams,
            body: try? ClientBody(route: .openAIChatCompletions, bytes: Array(Self.verbatimText.utf8)))
    }

    @Test("What servers say of their models beside the list is known, each in its own words")
    func described() async throws {
        let list = #"""
            {"data":[{"id":"one","owned_by":"llamacpp","meta":{"n_ctx":256},"architecture":{"input_modalities":["text","image"]}},
            {"id":"two","owned_by":"vllm","max_model_len":4096},{"id":"three","owned_by":"x","context_length":512}]}
            """#
        try await serving({ _, answer in try await answer.send(list) }) { engine, server in
            let models = try await engine.models()
            #expect(models.map(\.contextLength) == [256, 4096, 512])
            #expect(models.map { $0.capabilities?.contains("vision") } == [true, nil, nil])
            #expect(server.requests.map(\.uri) == ["/v1/models"])
        }
    }

    @Test("LM Studio's own list says what is loaded, how much of a prompt that reads, and which models see")
    func studio() async throws {
        let list = ["seer", "blind@q8", "cold", "nomic"].map { #"{"id":"\#($0)","owned_by":"organization_owner"}"# }
        let details = #"""
            {"models":[{"type":"llm","key":"seer","loaded_instances":[{"id":"seer","config":{"context_length":8192}}],
            "max_context_length":32768,"capabilities":{"vision":true,"trained_for_tool_use":false}},
            {"type":"llm","key":"blind","loaded_instances":[{"id":"blind@q8","config":{"context_length":4096}}],
            "capabilities":{"vision":false}},{"type":"llm","key":"cold","loaded_instances":[],"max_context_length":9},
            {"type":"embedding","key":"nomic","loaded_instances":[]}]}
            """#
        let responder: StubServer.Responder = { request, answer in
            switch request.uri {
            case "/v1/models": try await answer.send(#"{"data":[\#(list.joined(separator: ","))]}"#)
            case "/api/v1/models": try await answer.send(details)
            default: try await answer.send("{}", status: 404)
            }
        }
        try await serving(responder) { engine, _ in
            let models = try await engine.models()
            #expect(models.map(\.contextLength) == [8192, 4096, nil, nil])
            #expect(models.map { $0.capabilities?.contains("vision") } == [true, false, nil, false])
            #expect(
                models.map(\.chats) == [true, true, true, false] && models.map(\.embeds) == [false, false, false, true])
            #expect(await engine.residentModels() == ["seer", "seer", "blind", "blind@q8"])
        }
        let older: StubServer.Responder = { request, answer in
            let isList = request.uri == "/v1/models"
            try await answer.send(
                isList ? #"{"data":[\#(list[0])]}"# : "Unexpected endpoint", status: isList ? 200 : 404)
        }
        try await serving(older) { engine, _ in
            let models = try await engine.models()
            #expect(models.map(\.contextLength) == [nil] && models.map(\.embeds) == [true])
            #expect(await engine.residentModels() == nil)
        }
    }

    @Test("Passes the client's bytes on, and the engine's back, when nothing needs to be changed")
    func verbatim() async throws {
        try await serving { engine, server in
            guard case .verbatim(let answer) = try await engine.answer(request()) else {
                Issue.record("the answer is not the engine's own")
                return
            }
            #expect(answer.contentType == "application/json")
            let completion = try JSONBody.decode(JSONValue.self, from: answer.body)
            #expect(completion["choices"]?.arrayValue?.first?["message"]?["content"] == "1 2")
            let sent = try #require(server.requests.last)
            #expect(String(decoding: sent.body, as: UTF8.self) == Self.verbatimText)
            #expect(sent[header: "authorization"] == "Bearer sk-key")
        }
    }

    @Test("Changes nothing but the model in the client's bytes, and passes a stream's events back as they came")
    func patched() async throws {
        try await serving { engine, server in
            var unnamed = request(model: nil)
            guard case .verbatim = try await engine.answer(unnamed) else {
                Issue.record("the answer is not the engine's own")
                return
            }
            let sent = try #require(server.requests.last)
            #expect(String(decoding: sent.body, as: UTF8.self) == Self.verbatimText)
            unnamed.streams = true
            guard case .events(let events) = try await engine.answer(unnamed) else {
                Issue.record("a whole answer came where a stream was asked for")
                return
            }
            var raw: [UInt8] = []
            var isEnded = false
            for try await event in events {
                switch event {
                case .raw(let piece): raw += piece.bytes
                case .rawEnd(let finish, _): isEnded = finish == .length
                default: Issue.record("\(event) is not as the engine said it")
                }
            }
            #expect(isEnded)
            #expect(String(decoding: raw, as: UTF8.self).hasPrefix("data: {"))
        }
    }

    @Test("Reads the events of a server that streams whatever it is asked for")
    func streamsAlways() async throws {
        let responder: StubServer.Responder = { request, answer in
            if request.uri == "/v1/models" { return try await OpenAIStub.answer(request, answer) }
            let chunk = #"{"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":"stop"}]}"#
            try await answer.send("data: \(chunk)\n\ndata: [DONE]\n\n", contentType: "text/event-stream")
        }
        try await serving(responder) { engine, _ in
            let answered = try await engine.whole(request())
            #expect(answered.text == "hello")
        }
    }

    @Test(
        "Does not pass on what is no answer of the dialect",
        arguments: [
            ("<html></html>", .invalidAnswer), ("{}", .invalidAnswer), ("", .invalidAnswer),
            (#"{"error":{"message":"odd"}}"#, .engineError),
        ] as [(String, ChatError.Code)])
    func notTheDialect(body: String, code: ChatError.Code) async throws {
        let responder: StubServer.Responder = { request, answer in
            if request.uri == "/v1/models" { return try await OpenAIStub.answer(request, answer) }
            try await answer.send(body)
        }
        try await serving(responder) { engine, _ in
            let failure = await #expect(throws: ChatError.self) { try await engine.answer(request()) }
            #expect(failure?.code == code)
        }
    }

    @Test("Completes plain text")
    func completion() async throws {
        try await serving { engine, server in
            let request = ChatRequest(
                kind: .completion, model: DialectStub.model, messages: [ChatMessage(.user, "once")],
                sampling: SamplingOptions(maxTokens: 3))
            let answered = try await engine.whole(request)
            #expect(answered.text == "1 2 3")
            #expect(answered.finish == .length)
            #expect(server.requests.last?.uri == "/v1/completions")
        }
    }

    @Test("Asks for the list of models once for answers that follow one another")
    func knownModelsAreRemembered() async throws {
        try await serving { engine, server in
            for _ in 0..<5 { _ = try await engine.answer(request(streams: true)) }
            #expect(server.requests.filter { $0.uri == "/v1/models" }.count == 1)
            #expect(server.requests.filter { $0.uri == "/v1/chat/completions" }.count == 5)
        }
    }

    @Test("Leaves it to a server without a list to know its models")
    func noList() async throws {
        let responder: StubServer.Responder = { request, answer in
            if request.uri == "/v1/models" { return try await answer.send("{}", status: 404) }
            try await OpenAIStub.answer(request, answer)
        }
        try await serving(responder) { engine, _ in
            let answered = try await engine.whole(ChatRequest(model: "anything", messages: [ChatMessage(.user, "hi")]))
            #expect(answered.finish == .stop)
        }
    }

    @Test("Says that a text is too long to be embedded, as llama.cpp reports it")
    func longEmbedding() async throws {
        let responder: StubServer.Responder = { request, answer in
            if request.uri == "/v1/models" { return try await OpenAIStub.answer(request, answer) }
            try await answer.send(
                #"{"error":{"code":500,"message":"input (1201 tokens) is too large to process","type":"server_error"}}"#,
                status: 500)
        }
        try await serving(responder) { engine, _ in
            let failure = await #expect(throws: ChatError.self) {
                try await engine.embed(EmbeddingRequest(inputs: ["long"]))
            }
            #expect(failure?.code == .invalidRequest)
        }
    }

    @Test(
        "Is loading while llama.cpp loads, and ready by its model list elsewhere",
        arguments: [(503, EngineHealth.loading), (200, .ready), (404, .ready)])
    func health(status: Int, expected: EngineHealth) async throws {
        let responder: StubServer.Responder = { request, answer in
            if request.uri == "/health" { return try await answer.send("{}", status: status) }
            try await OpenAIStub.answer(request, answer)
        }
        try await serving(responder) { engine, _ in #expect(await engine.health() == expected) }
    }
}
