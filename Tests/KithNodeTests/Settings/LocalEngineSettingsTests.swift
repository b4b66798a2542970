// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithNode

@Suite("Where a node looks for engines of its machine")
struct LocalEngineSettingsTests {
    private func settings(_ environment: [String: String], flags: [SettingKey: String] = [:]) throws -> EngineSettings {
        try NodeSettings(NodeSettingsTests.sources(flags: flags, environment: environment, yaml: nil)).engine
    }

    @Test(
        "OLLAMA_HOST is read as Ollama's own programs read it",
        arguments: [
            ("127.0.0.1:11435", "http://127.0.0.1:11435"), ("desk", "http://desk:11434"),
            (":11435", "http://127.0.0.1:11435"),
            ("0.0.0.0", "http://127.0.0.1:11434"), ("0.0.0.0:11500", "http://127.0.0.1:11500"),
            ("http://desk.lan:11434", "http://desk.lan:11434"), ("https://ollama.example", "https://ollama.example"),
            ("[::1]:11434", "http://[::1]:11434"), ("[::]", "http://[::1]:11434"),
        ])
    func ollamaHost(text: String, address: String) throws {
        #expect("\(try settings(["OLLAMA_HOST": text]).ollama.address)" == "\(try #require(HTTPAddress(address)))")
    }

    @Test("kith's own name for it comes first, and one that leads to this node itself is not meant for it")
    func order() throws {
        let both = ["OLLAMA_HOST": "one:1", "OLLAMA_BASE_URL": "http://two:2"]
        #expect(try settings(both).ollama.address.host == "two")
        #expect(
            try settings(both.merging(["KITH_ENGINE_OLLAMA_BASE_URL": "http://three:3"]) { $1 }).ollama.address.host
                == "three")
        #expect(try settings(["OLLAMA_HOST": "127.0.0.1:8080"]).ollama.address == OllamaSettings().address)
        #expect(try settings(["OLLAMA_HOST": "127.0.0.1:8080"], flags: [.port: "8081"]).ollama.address.port == 8_080)
    }

    @Test("Servers are looked for at their usual ports, but for this node's own")
    func servers() throws {
        #expect(try settings([:]).servers.map(\.port) == [1_234, 8_000, 1_337])
        #expect(try settings([:], flags: [.port: "1234"]).servers.map(\.port) == [8_000, 1_337, 8_080])
        let own = try settings(["KITH_ENGINE_SERVERS": "desk:9000, http://127.0.0.1:9001/api/v1"]).servers
        #expect(own.map { "\($0)" } == ["http://desk:9000/v1", "http://127.0.0.1:9001/api/v1"])
    }
}
