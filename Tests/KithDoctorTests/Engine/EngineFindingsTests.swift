// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@testable import KithDoctor

@Suite("What a node says of its engine")
struct EngineFindingsTests {
    private func findings(
        kind: String?, state: String, models: [String] = ["m"], peers: [NodeStatus.Peer] = [],
        choice: EngineChoice = .automatic, model: ModelID? = nil
    ) -> [Finding] {
        let status = NodeStatus(
            node: "desk", version: "1", address: "http://127.0.0.1:8080", uptimeSeconds: 1, level: 1,
            engine: NodeStatus.Engine(
                kind: kind, state: state, reason: "because", models: models, slots: 4, active: 0, queued: 0),
            peers: peers, sessions: 0, turnCount: 0, valence: 0)
        return EngineFindings(status: status, settings: settings(choice, model)).findings
    }

    private func settings(_ choice: EngineChoice = .automatic, _ model: ModelID? = nil) -> EngineSettings {
        EngineSettings(
            choice: choice, ollama: OllamaSettings(model: model), embedded: EmbeddedSettings(directory: "", logFile: "")
        )
    }

    private func kin(_ state: String, models: [String]) -> NodeStatus.Peer {
        NodeStatus.Peer(
            name: "laptop", address: "", tier: "kin", state: state, models: models, active: 0, slots: 1,
            latencyMilliseconds: nil, lastSeenSeconds: nil, reason: nil)
    }

    @Test("Ready is well, loading worth knowing, down an error")
    func states() {
        #expect(findings(kind: "ollama", state: "ready").map(\.severity) == [.ok])
        #expect(findings(kind: "embedded", state: "loading").map(\.severity) == [.notice])
        let down = findings(kind: "ollama", state: "down")
        #expect(down.map(\.severity) == [.error])
        #expect(down.first?.fix?.command == "ollama serve")
        #expect(findings(kind: "ollama", state: "ready", models: []).map(\.severity) == [.error])
    }

    @Test("A model that the settings name and the engine lacks is an error")
    func missingModel() {
        let found = findings(
            kind: "ollama", state: "ready", models: ["qwen3:4b"], choice: .fixed(.ollama), model: ModelID("llama3.2"))
        #expect(found.first?.fix?.command == "ollama pull llama3.2")
        let tagged = findings(
            kind: "ollama", state: "ready", models: ["llama3.2:latest"], choice: .fixed(.ollama),
            model: ModelID("llama3.2"))
        #expect(tagged.first?.severity == .ok)
    }

    @Test("No engine is fine as long as a kin has one; a kin out of reach is the cause of there being none")
    func absent() {
        #expect(findings(kind: nil, state: "none", peers: [kin("up", models: ["m"])]).map(\.severity) == [.ok])
        #expect(findings(kind: nil, state: "none").map(\.isConsequence) == [false])
        let cut = findings(kind: nil, state: "none", peers: [kin("down", models: ["m"])])
        #expect(cut.map(\.severity) == [.warning])
        #expect(cut.map(\.isConsequence) == [true])
    }

    @Test("An answer with text is well, one that failed says why")
    func generation() {
        let good: JSONValue = [
            "choices": [["message": ["content": "yes"]]], "usage": ["completion_tokens": 3],
        ]
        let ok = GenerationDiagnosis.finding(
            status: 200, json: good, took: .milliseconds(40), kind: "ollama", settings())
        #expect(ok.seen == "3 tokens in 40 ms")
        let bad = GenerationDiagnosis.finding(
            status: 502, json: ["error": ["message": "the runner stopped"]], took: .zero, kind: "ollama",
            settings())
        #expect(bad.severity == .error)
        #expect(bad.seen == "the engine did not answer: the runner stopped")
        #expect(
            GenerationDiagnosis.finding(status: 200, json: nil, took: .zero, kind: "x", settings()).severity == .notice)
    }
}
