// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithInference
import KithModel
import KithTesting
import KithTransport
import Logging
import Testing

@Suite("The choice of the engine")
struct EngineSelectionTests {
    private static let ollama = HTTPAddress(host: "127.0.0.1", port: 11_434)
    private static let server = EngineFindings.Server(executable: "/bin/llama-server", model: "/m.gguf")
    private static let versions = EmbeddedVersions(
        engine: EmbeddedRelease.engine, model: EmbeddedRelease.model, modelFile: "/m.gguf")

    private static func findings(ollama: Bool, server: Bool, embedded: Bool) -> EngineFindings {
        EngineFindings(
            ollama: ollama ? .success(Self.ollama) : .failure(.init(name: "ollama", reason: "silent")),
            llamaServer: server ? .success(Self.server) : .failure(.init(name: "llama-server", reason: "absent")),
            embedded: embedded ? .success(versions) : .failure(.init(name: "embedded", reason: "not installed")))
    }

    @Test(
        "Takes the first that is there, and says what it passed over",
        arguments: [
            (true, true, true, EngineSelection.Engine.ollama, []),
            (false, true, true, .llamaServer(executable: "/bin/llama-server", model: "/m.gguf"), ["ollama"]),
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

    private func factory(ollama: HTTPAddress, choice: EngineChoice = .automatic) -> EngineFactory {
        EngineFactory(
            settings: EngineSettings(
                choice: choice, ollama: OllamaSettings(address: ollama),
                llamaServer: LlamaServerSettings(executable: "/bin/sh", model: "/nonexistent.gguf"),
                embedded: EmbeddedSettings(directory: "/nonexistent", logFile: "/nonexistent/log")),
            client: UpstreamClient(), logger: Logger(label: "test"), ollamaLimits: UpstreamLimits())
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

    @Test("Makes the engine that was chosen", arguments: EngineKind.allCases)
    func makes(kind: EngineKind) async throws {
        let factory = factory(ollama: Self.ollama, choice: .fixed(kind))
        let made = try #require(factory.make(await factory.select()))
        #expect(made.engine.kind == kind)
        #expect(made.services.isEmpty == (kind != .embedded))
    }
}
