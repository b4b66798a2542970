// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithInference
import KithModel
import KithTesting
import KithTransport
import Logging
import Synchronization
import Testing

@Suite("The choice of the engine")
struct EngineSelectionTests {
    private static let ollama = HTTPAddress(host: "127.0.0.1", port: 11_434)
    private static let server = EngineFindings.Server(executable: "/bin/llama-server", model: "/m.gguf")
    private static let versions = EmbeddedVersions(
        engine: EmbeddedRelease.engine, model: EmbeddedRelease.model, modelFile: "/m.gguf")

    private static func findings(ollama: Bool, server: Bool, embedded: Bool) -> EngineFindings {
        EngineFindings(
            ollama: ollama ? .success(.init(address: Self.ollama)) : .failure(.init(name: "ollama", reason: "silent")),
            llamaServer: server ? .success(Self.server) : .failure(.init(name: "llama-server", reason: "absent")),
            embedded: embedded ? .success(versions) : .failure(.init(name: "embedded", reason: "not installed")))
    }

    @Test(
        "Takes all that is there, its own small model only where there is nothing else, and says what is missing",
        arguments: [
            (
                true, true, true,
                EngineSelection.Engine.several([
                    .ollama, .llamaServer(executable: "/bin/llama-server", model: "/m.gguf"),
                ]), []
            ),
            (false, true, true, .llamaServer(executable: "/bin/llama-server", model: "/m.gguf"), []),
            (false, false, true, .embedded, ["ollama", "llama-server"]),
            (false, false, false, .none, ["ollama", "llama-server", "embedded"]),
            (true, false, false, .ollama, []),
        ])
    func automatic(
        ollama: Bool, server: Bool, embedded: Bool, expected: EngineSelection.Engine, skipped: [String]
    ) {
        let selection = EngineSelection(
            choice: .automatic, findings: Self.findings(ollama: ollama, server: server, embedded: embedded))
        #expect(selection.engine == expected)
        #expect(selection.skipped.map(\.name) == skipped)
        #expect(!selection.reason.isEmpty)
    }

    @Test("Servers at their usual places are taken beside Ollama, and somebody else's is named and left alone")
    func servers() {
        var findings = Self.findings(ollama: true, server: false, embedded: true)
        let address = HTTPAddress(host: "127.0.0.1", port: 1_234, basePath: "/v1")
        findings.servers = [
            .success(.init(name: "LM Studio", address: address)),
            .failure(.init(name: "server", reason: "mallory's", isDistrusted: true)),
        ]
        let selection = EngineSelection(choice: .automatic, findings: findings)
        #expect(selection.engine == .several([.ollama, .server("LM Studio", address)]))
        #expect(selection.engines == [.ollama, .server("LM Studio", address)])
        #expect(selection.reason.contains("LM Studio answers at http://127.0.0.1:1234/v1"))
        #expect(selection.skipped.map(\.reason) == ["mallory's"])
    }

    @Test("Obeys the settings, whatever else is there", arguments: EngineKind.allCases)
    func fixed(kind: EngineKind) {
        let all = Self.findings(ollama: true, server: true, embedded: true)
        let selection = EngineSelection(choice: .fixed(kind), findings: all)
        #expect("\(selection.engine)".lowercased() == kind.rawValue)
        #expect(EngineSelection(choice: .none, findings: all).engine == .none)
    }

    @Test("Never takes a test engine or a cloud provider by itself", arguments: [true, false], [true, false])
    func neverByItself(ollama: Bool, embedded: Bool) {
        let selection = EngineSelection(
            choice: .automatic, findings: Self.findings(ollama: ollama, server: false, embedded: embedded))
        #expect(![.echo, .count, .openAI, .anthropic].contains(selection.engine))
    }

    private func factory(
        ollama: HTTPAddress, choice: EngineChoice = .automatic,
        owners: @escaping ListenerOwners.Look = { _ in nil }, clock: any TimeSource = MonotonicClock()
    ) -> EngineFactory {
        EngineFactory(
            settings: EngineSettings(
                choice: choice, ollama: OllamaSettings(address: ollama),
                llamaServer: LlamaServerSettings(executable: "/bin/sh", model: "/nonexistent.gguf"),
                embedded: EmbeddedSettings(directory: "/nonexistent", logFile: "/nonexistent/log")),
            client: UpstreamClient(), clock: clock, logger: Logger(label: "test"), ollamaLimits: UpstreamLimits(),
            owners: owners, ownUser: 1000)
    }

    @Test("Finds an Ollama that answers")
    func findsOllama() async throws {
        try await StubServer.serve(OllamaStub.answer) { server in
            let selection = await factory(ollama: server.address).select()
            #expect(selection.engine == .ollama)
            #expect(selection.reason.contains("\(server.address)"))
        }
    }

    @Test("Passes over an Ollama that hangs", .timeLimit(.minutes(1)))
    func hangingOllama() async throws {
        try await StubServer.serve({ _, answer in try await answer.hang() }) { server in
            let selection = await factory(ollama: server.address).select()
            #expect(selection.engine == .none)
            #expect(selection.skipped.map(\.reason).joined().contains("/nonexistent.gguf"))
        }
    }

    @Test("A program of another user that answers as Ollama does is asked nothing, unless the owner names it")
    func squatter() async throws {
        try await StubServer.serve(OllamaStub.answer) { server in
            let mallory: ListenerOwners.Look = { _ in [ListenerOwner(userID: 1001, name: "mallory")] }
            let selection = await factory(ollama: server.address, owners: mallory).select()
            #expect(selection.engine == .none)
            let reason = try #require(selection.skipped.first).reason
            #expect(reason.contains("user mallory") && reason.contains("--engine ollama"))
            #expect(server.requests.isEmpty)
            let named = factory(ollama: server.address, choice: .fixed(.ollama), owners: mallory)
            let made = try #require(named.make(await named.select()))
            #expect(await made.engine.health() == .ready)
        }
    }

    @Test("An Ollama whose port another user has taken since is asked nothing any more")
    func takenPort() async throws {
        try await StubServer.serve(OllamaStub.answer) { server in
            let clock = ManualClock()
            let owner = Mutex(ListenerOwner(userID: 998, name: "ollama"))
            let factory = factory(ollama: server.address, owners: { _ in [owner.withLock { $0 }] }, clock: clock)
            let selection = await factory.select()
            #expect(selection.engine == .ollama && selection.reason.contains("user ollama"))
            #expect(selection.owner?.userID == 998)
            let engine = try #require(factory.make(selection)).engine
            #expect(await engine.health() == .ready)
            owner.withLock { $0 = ListenerOwner(userID: 1001, name: "mallory") }
            clock.advance(by: .seconds(2))
            let asked = server.requests.count
            guard case .down(let why) = await engine.health() else { return #expect(Bool(false)) }
            #expect(why.contains("user mallory"))
            await #expect(throws: ChatError.self) {
                _ = try await engine.answer(ChatRequest(messages: [ChatMessage(.user, "secret")]))
            }
            #expect(server.requests.count == asked)
        }
    }

    @Test("Makes the engine that was chosen", arguments: EngineKind.allCases)
    func makes(kind: EngineKind) async throws {
        let factory = factory(ollama: Self.ollama, choice: .fixed(kind))
        let made = try #require(factory.make(await factory.select()))
        #expect(made.engine.kind == kind)
        #expect(made.services.isEmpty == (kind != .embedded))
    }
}
