// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import KithTransport
import Testing

/// An engine that is asked over HTTP.
enum RemoteEngine: CaseIterable {
    case ollama, openAI, anthropic

    func make(_ address: HTTPAddress, _ client: UpstreamClient) -> any ChatEngine {
        switch self {
        case .ollama: return OllamaEngine(settings: OllamaSettings(address: address, model: "m"), client: client)
        case .openAI:
            var base = address
            base.basePath = "/v1"
            return OpenAICompatibleEngine(
                settings: OpenAISettings(address: base, key: .value(Secret("sk-very-secret")), model: "m"),
                client: client)
        case .anthropic:
            return AnthropicEngine(
                settings: AnthropicSettings(address: address, key: .value(Secret("sk-very-secret")), model: "m"),
                client: client
            )
        }
    }

    var contentType: String { self == .ollama ? "application/x-ndjson" : "text/event-stream" }

    /// The beginning of an answer, up to its first token.
    var beginning: String {
        switch self {
        case .ollama: #"{"message":{"role":"assistant","content":"one"},"done":false}"# + "\n"
        case .openAI:
            #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":"#
                + #"{"content":"one"},"finish_reason":null}]}"# + "\n\n"
        case .anthropic:
            #"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"one"}}"# + "\n\n"
        }
    }

    var streamedError: String {
        switch self {
        case .ollama: #"{"error":"ran out of memory"}"# + "\n"
        case .openAI: #"data: {"error":{"message":"ran out of memory","type":"server_error"}}"# + "\n\n"
        case .anthropic: #"data: {"type":"error","error":{"type":"api_error","message":"ran out of memory"}}"# + "\n\n"
        }
    }
}

@Suite("An engine over HTTP that misbehaves", .timeLimit(.minutes(1)))
struct EngineFailureTests {
    private func failure(
        of remote: RemoteEngine, _ responder: @escaping StubServer.Responder
    ) async throws -> (failure: ChatError?, text: String) {
        let client = UpstreamClient()
        let result = try await StubServer.serve(responder) { server in
            var text = ""
            do {
                guard case .events(let stream) = try await remote.make(server.address, client).answer(ChatRequest("hi"))
                else { throw Answered.Verbatim() }
                for try await event in stream {
                    if case .delta(let delta) = event { text += delta.text }
                }
                return (nil as ChatError?, text)
            } catch let failure as ChatError {
                return (failure, text)
            }
        }
        await client.shutDown()
        return result
    }

    @Test("Is interrupted when it cuts the connection in the middle of an answer", arguments: RemoteEngine.allCases)
    func cut(remote: RemoteEngine) async throws {
        let (failure, text) = try await failure(of: remote) { _, answer in
            try await answer.begin(contentType: remote.contentType)
            try await answer.write(remote.beginning)
            answer.cut()
        }
        #expect(failure?.code == .interrupted)
        #expect(text == "one")
    }

    @Test("Is interrupted when it ends an answer that is not whole", arguments: RemoteEngine.allCases)
    func endsEarly(remote: RemoteEngine) async throws {
        let (failure, text) = try await failure(of: remote) { _, answer in
            try await answer.begin(contentType: remote.contentType)
            try await answer.write(remote.beginning)
            try await answer.end()
        }
        #expect(failure?.code == .interrupted)
        #expect(text == "one")
    }

    @Test("Fails when it reports an error in the middle of an answer", arguments: RemoteEngine.allCases)
    func streamedError(remote: RemoteEngine) async throws {
        let (failure, text) = try await failure(of: remote) { _, answer in
            try await answer.begin(contentType: remote.contentType)
            try await answer.write(remote.beginning + remote.streamedError)
            try await answer.end()
        }
        #expect(failure?.code == .engineError)
        #expect(failure?.message.contains("ran out of memory") == true)
        #expect(text == "one")
    }

    @Test("Is not understood when it answers with a web page", arguments: RemoteEngine.allCases)
    func page(remote: RemoteEngine) async throws {
        let (failure, _) = try await failure(of: remote) { _, answer in
            try await answer.send("<html>Welcome</html>", contentType: "text/html")
        }
        #expect(failure?.code == .invalidAnswer)
        #expect(failure?.message.contains("Welcome") == false)
    }

    @Test("Is not understood when a line of its answer never ends", arguments: RemoteEngine.allCases)
    func endlessLine(remote: RemoteEngine) async throws {
        let (failure, _) = try await failure(of: remote) { _, answer in
            try await answer.begin(contentType: remote.contentType)
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 16)
            for _ in 0..<272 { try await answer.write(bytes: piece) }  // a little more than the limit
            try await answer.hang()
        }
        #expect(failure?.code == .invalidAnswer)
    }

    @Test("Times out when it says nothing", arguments: RemoteEngine.allCases)
    func silence(remote: RemoteEngine) async throws {
        let client = UpstreamClient()
        try await StubServer.serve({ _, answer in try await answer.hang() }) { server in
            let engine = remote.make(server.address, client)
            let failure = await #expect(throws: ChatError.self) {
                var request = ChatRequest("hi")
                request.firstTokenLimit = .milliseconds(50)
                _ = try await engine.answer(request)
            }
            #expect(failure?.code == .timeout)
        }
        await client.shutDown()
    }

    @Test("Is down within two seconds when it hangs", arguments: RemoteEngine.allCases)
    func hangingHealth(remote: RemoteEngine) async throws {
        let client = UpstreamClient()
        try await StubServer.serve({ _, answer in try await answer.hang() }) { server in
            guard case .down = await remote.make(server.address, client).health() else {
                Issue.record("a hanging engine is not down")
                return
            }
        }
        await client.shutDown()
    }

    @Test("Is down when its answer comes byte by byte and never ends", arguments: RemoteEngine.allCases)
    func dripping(remote: RemoteEngine) async throws {
        let client = UpstreamClient()
        try await StubServer.serve { _, answer in
            try await answer.begin(contentType: "application/json", headers: ["Content-Length": "100000"])
            while true {
                try await answer.write(" ")
                try await Task.sleep(for: .milliseconds(50))
            }
        } during: { server in
            guard case .down = await remote.make(server.address, client).health() else {
                Issue.record("an engine that says nothing whole is not down")
                return
            }
        }
        await client.shutDown()
    }

    @Test("Cannot be reached when nothing listens", arguments: RemoteEngine.allCases)
    func nobody(remote: RemoteEngine) async throws {
        let client = UpstreamClient()
        let address = try await StubServer.serve({ _, _ in }) { $0.address }
        let engine = remote.make(address, client)
        let failure = await #expect(throws: ChatError.self) { try await engine.answer(ChatRequest("hi")) }
        #expect(failure?.code == .unreachable)
        await client.shutDown()
    }

    @Test("Is overloaded for as long as it says", arguments: RemoteEngine.allCases)
    func overloaded(remote: RemoteEngine) async throws {
        let (failure, _) = try await failure(of: remote) { _, answer in
            try await answer.send(#"{"error":{"message":"busy"}}"#, status: 503, headers: ["Retry-After": "7"])
        }
        #expect(failure?.code == .overloaded)
        #expect(failure?.retryAfter == .seconds(7))
    }

    @Test("Refuses the key, which no error repeats", arguments: [RemoteEngine.openAI, .anthropic])
    func key(remote: RemoteEngine) async throws {
        let (failure, _) = try await failure(of: remote) { request, answer in
            let key = request[header: "authorization"] ?? request[header: "x-api-key"] ?? "none"
            try await answer.send(#"{"error":{"message":"Incorrect API key: \#(key)"}}"#, status: 401)
        }
        #expect(failure?.code == .unauthorized)
        #expect(!"\(String(describing: failure)) \(String(reflecting: failure))".contains("sk-very-secret"))
    }

    @Test("Is not believed when its list of models is too long or cut", arguments: RemoteEngine.allCases)
    func models(remote: RemoteEngine) async throws {
        let client = UpstreamClient()
        let huge: StubServer.Responder = { _, answer in
            try await answer.begin(contentType: "application/json")
            let piece = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 20)
            for _ in 0..<17 { try await answer.write(bytes: piece) }
            try await answer.end()
        }
        let half: StubServer.Responder = { _, answer in
            try await answer.begin(contentType: "application/json", headers: ["Content-Length": "500"])
            try await answer.write(#"{"data":[{"id":"#)
            answer.cut()
        }
        for (responder, code) in [(huge, ChatError.Code.invalidAnswer), (half, .interrupted)] {
            try await StubServer.serve(responder) { server in
                let engine = remote.make(server.address, client)
                let failure = await #expect(throws: ChatError.self) { try await engine.models() }
                #expect(failure?.code == code)
            }
        }
        await client.shutDown()
    }
}
