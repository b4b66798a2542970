// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithNode

@Suite("A list of engines")
struct EngineListTests {
    private func settings(_ yaml: String, environment: [String: String] = [:]) throws -> EngineSettings {
        try NodeSettings(NodeSettingsTests.sources(flags: [:], environment: environment, yaml: yaml)).engine
    }

    @Test("Holds kinds, and kinds with what is to be known of them, in their order")
    func list() throws {
        let settings = try settings(
            """
            engines:
              - ollama
              - kind: openai
                address: http://desk:8000
                key: sk-1
                slots: 2
                model: qwen3
                models: [qwen*, "llama3.2"]
              - auto
              - kind: anthropic
                key: sk-2
            """)
        #expect(settings.choice == .listed)
        #expect(settings.looksAround)
        #expect(settings.automaticPlace == 2)
        #expect(settings.listed.map(\.description) == ["ollama", "openai at http://desk:8000/v1", "anthropic"])
        let second = settings.listed[1]
        #expect(second.slots == 2)
        #expect(second.model == "qwen3")
        #expect(second.models.map(\.description) == ["qwen*", "llama3.2"])
        #expect(second.key == .value(Secret("sk-1")))
        #expect(!"\(settings.listed)".contains("sk-"))
        #expect(!String(reflecting: settings.listed).contains("sk-"))
    }

    @Test("Stands in the environment as JSON, and gives way to an engine that is named")
    func environment() throws {
        let json = #"["auto",{"kind":"ollama","address":"desk"}]"#
        let listed = try settings("port: 8080", environment: ["KITH_ENGINES": json])
        #expect(listed.listed.map(\.description) == ["ollama at http://desk:11434"])
        #expect(listed.automaticPlace == 0)
        let named = try settings("engines: [ollama]", environment: ["KITH_ENGINE": "none"])
        #expect(named.choice == .none)
        #expect(!(try settings("engines: [ollama]")).looksAround)
        let error = #expect(throws: SettingError.self) {
            _ = try settings("port: 8080", environment: ["KITH_ENGINES": #"["ollama","olama"]"#])
        }
        #expect(error?.description.contains("engine 2: its kind is none of") == true)
    }

    @Test("What is left empty in YAML is as if it were not there, and what lies deeper than an entry goes is no list")
    func odd() throws {
        let settings = try settings("engines: [{kind: openai, address: 'http://a:1', key: ~, slots: }]")
        #expect(settings.listed.first?.key == nil && settings.listed.first?.slots == nil)
        #expect(throws: SettingError.self) {
            _ = try self.settings("engines: [{kind: openai, address: 'http://a:1', models: [[[[x]]]]}]")
        }
    }

    @Test("No key goes to an address that it is not for")
    func keys() throws {
        let settings = try settings(
            "engines: [{kind: openai, address: 'http://desk:8000'}, openai]",
            environment: ["OPENAI_API_KEY": "sk-cloud"])
        #expect(settings.for(settings.listed[0]).openAI.key == nil)
        #expect(settings.for(settings.listed[1]).openAI.key == .value(Secret("sk-cloud")))
        #expect(settings.for(settings.listed[1]).openAI.address.host == "api.openai.com")
    }

    @Test(
        "What is wrong with an entry is said, with its number",
        arguments: [
            ("[olama]", "engine 1: its kind is none of auto, ollama"), ("[olama]", "did you mean ollama?"),
            ("[ollama, {kind: openai, adress: 'http://a:1'}]", "engine 2: a field of it is none of kind, address"),
            ("[{kind: openai, adress: 'http://a:1'}]", "did you mean address?"),
            ("[{address: 'http://a:1'}]", "engine 1: 'kind' is missing"),
            ("[{kind: openai, address: nowhere}]", "engine 1: 'address' is not one such as"),
            ("[{kind: openai, slots: 0}]", "engine 1: 'slots' is not a whole number from 1 to 1024"),
            ("[{kind: auto, slots: 1}]", "engine 1: 'auto' takes nothing else"),
            ("[{kind: embedded, address: 'http://a:1'}]", "engine 1: 'address' is not for embedded"),
            ("[{kind: ollama, key: geheim}]", "engine 1: 'key' is not for ollama"),
            ("[{kind: openai, models: [a, {b: c}]}]", "engine 1: 'models' is not a list of names"),
            (
                "[{kind: openai, address: 'http://127.0.0.1:8080/v1'}]",
                "engine 1: at http://127.0.0.1:8080/v1 is this node"
            ),
            ("[ollama, anthropic]", "engine 2: Anthropic needs a key"),
            ("[{kind: openai}]", "engine 1: it needs an address, or a key"),
            ("[{kind: openai, address: 'http://a:1', models: [a*], model: b}]", "engine 1: its 'model' is none of"),
            ("[{kind: anthropic, key: k, slots: 2}]", "engine 1: 'slots' is not for anthropic"),
            ("[{kind: openai, address: 'http://a:1', models: ['']}]", "engine 1: 'models' is not a list of names"),
            ("[[ollama]]", "engine 1: it is neither a kind nor a group of settings"),
        ])
    func wrong(list: String, words: String) throws {
        let error = try #require(throws: SettingError.self) { _ = try settings("engines: \(list)") }
        #expect(error.description.contains(words), "\(error)")
        #expect(!error.description.contains("geheim"))
    }
}
