// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithInference

@Suite("The engines of an owner's list")
struct ListedEngineTests {
    private static let address = HTTPAddress(host: "127.0.0.1", port: 11_434)
    private static let server = HTTPAddress(host: "127.0.0.1", port: 1_234, basePath: "/v1")

    private func selection(_ listed: [ListedEngine], automaticPlace: Int?) -> EngineSelection {
        let none = EngineSelection.Skip(name: "x", reason: "it is not there")
        let findings = EngineFindings(
            ollama: .success(.init(address: Self.address)), llamaServer: .failure(none), embedded: .failure(none),
            servers: [.success(.init(name: "LM Studio", address: Self.server))])
        return EngineSelection(
            choice: .listed, listed: listed, automaticPlace: automaticPlace, findings: findings)
    }

    @Test("Those that are found stand where the list says, and none stands there twice")
    func found() {
        let cloud = ListedEngine(kind: .anthropic)
        let far = ListedEngine(kind: .ollama, address: HTTPAddress(host: "desk", port: 11_434))
        #expect(
            selection([far, cloud], automaticPlace: 1).engines
                == [
                    .listed(far, isAlone: false), .ollama, .server("LM Studio", Self.server),
                    .listed(cloud, isAlone: false),
                ])
        let near = ListedEngine(kind: .ollama, slots: 8)
        let own = ListedEngine(kind: .openAI, address: Self.server, slots: 2)
        #expect(
            selection([near, own], automaticPlace: 0).engines
                == [.listed(near, isAlone: false), .listed(own, isAlone: false)])
        let otherName = ListedEngine(
            kind: .openAI, address: HTTPAddress(host: "localhost", port: 1_234, basePath: "/"),
            models: [ModelPattern("a")])
        #expect(selection([near, otherName], automaticPlace: 2).engines.count == 2, "by whichever name of the machine")
        #expect(selection([near], automaticPlace: nil).engine == .listed(near, isAlone: true))
        #expect(selection([], automaticPlace: nil).engine == .none)
    }

    @Test(
        "A star in a model's name stands for any characters",
        arguments: [
            ("qwen*", "qwen3:8b", true), ("qwen*", "QWEN", true), ("*coder*", "qwen2.5-coder:7b", true),
            ("*:7b", "qwen2.5-coder:7b", true), ("q*5*7b", "qwen2.5-coder:7b", true), ("q*7*b*b", "q7b", false),
            ("llama3.2", "llama3.2:latest", true), ("llama3.2", "llama3.2:1b", false), ("*", "", true),
            ("ab*ba", "aba", false), ("", "m", false),
        ])
    func patterns(pattern: String, model: String, isMatch: Bool) {
        #expect(ModelPattern(pattern).matches(ModelID(model)) == isMatch)
    }

    @Test("Models that are not allowed are neither listed nor asked for")
    func allowed() async throws {
        let engine = LimitedEngine(
            EchoEngine(setup: TestEngineSetup(settings: TestEngineSettings())), models: [ModelPattern("no-such*")])
        #expect(try await engine.models().isEmpty)
        let request = ChatRequest(model: "echo", messages: [ChatMessage(.user, "hi")])
        let failure = try await #require(throws: ChatError.self) { _ = try await engine.answer(request) }
        #expect(failure.code == .modelNotFound)
    }

    @Test("An engine at a provider among others is asked for a model that is named, and not else")
    func namedOnly() async throws {
        let engine = EchoEngine(setup: TestEngineSetup(settings: TestEngineSettings()))
        let models = try await LimitedEngine(engine, models: [], isForNamedOnly: true).models()
        #expect(!models.isEmpty && models.allSatisfy { !$0.isForAnybody })
    }
}
