// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithNode
import Testing

@Suite("Routing settings")
struct RoutingSettingsTests {
    private static func aliases(environment: String? = nil, yaml: String? = nil) throws -> ModelAliases {
        let environment = environment.map { ["KITH_ROUTING_ALIASES": $0] } ?? [:]
        return try NodeSettings(NodeSettingsTests.sources(environment: environment, yaml: yaml)).routing.aliases
    }

    @Test("Aliases are read from kith.yaml and from the environment alike")
    func bothForms() throws {
        let expected = ModelAliases(["small": ["llama3.2:3b", "qwen3"], "big": ["gpt oss"]])
        #expect(try Self.aliases(environment: "small = llama3.2:3b | qwen3, big=gpt oss") == expected)
        let yaml = "routing:\n  aliases:\n    small: [\"llama3.2:3b\", qwen3]\n    big: gpt oss\n"
        #expect(try Self.aliases(yaml: yaml) == expected)
    }

    @Test("Without them there are those that kith has")
    func none() throws {
        #expect(try Self.aliases() == ModelAliases())
        #expect(try Self.aliases(yaml: "routing:\n  aliases: {}\n") == ModelAliases())
    }

    @Test(
        "What cannot be an alias stops the start",
        arguments: [
            "small", "small=", "=a", "small=a|", "small=a,small=b", "auto=a", "sm all=a", "ä=b", "a=b=c",
            (0..<65).map { "n\($0)=m" }.joined(separator: ","),
            "n=" + (0..<33).map { "m\($0)" }.joined(separator: "|"), String(repeating: "n", count: 65) + "=m",
        ])
    func refused(text: String) {
        #expect(throws: SettingError.self) { try Self.aliases(environment: text) }
    }

    @Test(
        "So does what kith.yaml cannot mean",
        arguments: [
            "routing:\n  aliases:\n    small: []\n", "routing:\n  aliases:\n    small: {a: b}\n",
            "routing:\n  aliases: [a, b]\n", "routing:\n  aliases:\n    small: [\"a|b\"]\n",
            "routing:\n  aliases:\n    small: [\"a,big=b\"]\n", "routing:\n  aliases:\n    [a]: b\n",
            "routing:\n  aliases:\n    small: a\n    small: b\n", "routing:\n  alias: {a: b}\n",
        ])
    func refusedYAML(text: String) {
        #expect(throws: SettingError.self) { try Self.aliases(yaml: text) }
    }
}
