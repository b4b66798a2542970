// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithNode
import Testing

@Suite("The port for programs made for Ollama")
struct OllamaPortTests {
    private func settings(_ flags: [SettingKey: String]) throws -> NodeSettings {
        try NodeSettings(NodeSettingsTests.sources(flags: flags, environment: [:], yaml: nil))
    }

    @Test("It is closed unless a setting opens it")
    func closed() throws {
        #expect(try settings([:]).ollamaPort == nil)
        #expect(try settings([.ollamaPort: "11434"]).ollamaPort == 11_434)
        #expect(throws: SettingError.self) { try settings([.ollamaPort: "70000"]) }
    }

    @Test("A node does not take the port on which its own engine is said to listen")
    func ownEngine() throws {
        do {
            _ = try settings([.ollamaPort: "11434", .engineKind: "ollama"])
            Issue.record("it was taken")
        } catch let error as SettingError {
            #expect("\(error)".contains("OLLAMA_HOST=127.0.0.1:11435 ollama serve"))
        }
        let moved = try settings([
            .ollamaPort: "11434", .engineKind: "ollama", .ollamaBaseURL: "http://127.0.0.1:11435",
        ])
        #expect(moved.ollamaPort == 11_434)
        #expect(try settings([.ollamaPort: "11434", .engineKind: "echo"]).ollamaPort == 11_434)
    }
}
