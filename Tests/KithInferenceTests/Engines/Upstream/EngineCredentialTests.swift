// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import KithTransport
import Synchronization
import Testing

/// A key that comes late and changes, as a test says.
private final class LateKey: SecretKeeper, SecretSource {
    private struct State {
        var result: Result<Secret, SecretError>
        var refused: [Secret] = []
    }

    private let state: Mutex<State>

    init(_ result: Result<Secret, SecretError>) { state = Mutex(State(result: result)) }

    var refusedKeys: [Secret] { state.withLock { $0.refused } }

    func set(_ key: String) { state.withLock { $0.result = .success(Secret(key)) } }

    func source(of reference: VaultReference) -> any SecretSource { self }

    func current() throws(SecretError) -> Secret { try state.withLock { $0.result }.get() }

    func refused(_ secret: Secret) -> Bool {
        state.withLock { $0.refused.append(secret) }
        return true
    }
}

@Suite("An engine whose key comes from elsewhere", .timeLimit(.minutes(1)))
struct EngineCredentialTests {
    private static let sealed = SecretError(.unavailable, "its key is in Vault, which is sealed")

    /// Runs an engine that accepts only one key.
    private func play(
        _ remote: RemoteEngine, _ key: LateKey, accepting accepted: String,
        _ body: (any ChatEngine, StubServer) async throws -> Void
    ) async throws {
        let client = UpstreamClient()
        let list = #"{"object":"list","data":[{"id":"m","object":"model"}]}"#
        try await StubServer.serve { request, answer in
            guard request.uri != "/health" else { return try await answer.send("{}", status: 404) }
            let shown = request[header: "authorization"] ?? request[header: "x-api-key"]
            guard shown == accepted || shown == "Bearer \(accepted)" else {
                return try await answer.send(#"{"error":{"message":"bad key"}}"#, status: 401)
            }
            try await answer.send(list)
        } during: { server in
            let reference = SecretSetting.vault(try VaultReference("vault:secret/data/kith#k"))
            let engine: any ChatEngine
            if remote == .anthropic {
                engine = AnthropicEngine(
                    settings: AnthropicSettings(address: server.address, key: reference), client: client, secrets: key)
            } else {
                var base = server.address
                base.basePath = "/v1"
                engine = OpenAICompatibleEngine(
                    settings: OpenAISettings(address: base, key: reference), client: client, secrets: key)
            }
            try await body(engine, server)
        }
        await client.shutDown()
    }

    @Test(
        "Is down with the reason while there is no key, and nothing is sent",
        arguments: [RemoteEngine.openAI, .anthropic])
    func sealed(remote: RemoteEngine) async throws {
        try await play(remote, LateKey(.failure(Self.sealed)), accepting: "k") { engine, server in
            guard case .down(let reason) = await engine.health() else {
                Issue.record("an engine without its key is not down")
                return
            }
            #expect(reason.contains("its key is in Vault, which is sealed"))
            let failure = await #expect(throws: ChatError.self) { try await engine.answer(ChatRequest("hi")) }
            #expect(failure?.code == .noEngine)
            #expect(server.requests.isEmpty)
        }
    }

    @Test("Is loading while the key is being read", arguments: [RemoteEngine.openAI, .anthropic])
    func pending(remote: RemoteEngine) async throws {
        let key = LateKey(.failure(SecretError(.pending, "its key is being read")))
        try await play(remote, key, accepting: "k") { engine, _ in
            #expect(await engine.health() == .loading)
            key.set("k")
            #expect(await engine.health() == .ready)
        }
    }

    @Test("Uses another key without being made anew", arguments: [RemoteEngine.openAI, .anthropic])
    func rotated(remote: RemoteEngine) async throws {
        let key = LateKey(.success(Secret("old-key")))
        try await play(remote, key, accepting: "new-key") { engine, _ in
            let failure = await #expect(throws: ChatError.self) { try await engine.models() }
            #expect(failure?.code == .noEngine)
            #expect(failure?.message.contains("a newer one") == true)
            #expect(key.refusedKeys == [Secret("old-key")])
            key.set("new-key")
            let models = try await engine.models()
            #expect(models.map(\.id) == ["m"])
        }
    }
}
