// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithNode
import Testing

@Suite("Secrets in Vault, in settings")
struct VaultSettingsTests {
    private static let reference = "vault:secret/data/kith#openai_key"
    private static let vault = ["VAULT_ADDR": "https://vault.example:8200", "VAULT_TOKEN": "hvs.t"]

    private func settings(_ environment: [String: String], yaml: String? = nil) throws -> NodeSettings {
        try NodeSettings(NodeSettingsTests.sources(environment: environment, yaml: yaml))
    }

    private func problem(_ environment: [String: String]) -> String {
        do {
            _ = try settings(environment)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    @Test("A key may say where it is in Vault", arguments: ["OPENAI_API_KEY", "KITH_ENGINE_OPENAI_API_KEY"])
    func openAI(name: String) throws {
        let key = try settings(Self.vault.merging([name: Self.reference]) { $1 }).engine.openAI.key
        #expect(key == .vault(try VaultReference(Self.reference)))
    }

    @Test("In kith.yaml too")
    func yaml() throws {
        let yaml = """
            engine:
              anthropic:
                api_key: "vault:secret/data/kith#anthropic_key"
            vault:
              address: http://127.0.0.1:8200
              role_id: r
              secret_id: s
            """
        let key = try settings([:], yaml: yaml).engine.anthropic.key
        #expect(key == .vault(try VaultReference("vault:secret/data/kith#anthropic_key")))
    }

    @Test("A key that is none of Vault's is a key", arguments: ["sk-vault:x", "Vault:secret", "sk-key#1"])
    func plain(key: String) throws {
        #expect(try settings(["OPENAI_API_KEY": key]).engine.openAI.key == .value(Secret(key)))
    }

    @Test("A key in Vault is enough for a cloud provider to be chosen")
    func chosen() throws {
        let environment = Self.vault.merging(["OPENAI_API_KEY": Self.reference, "KITH_ENGINE": "openai"]) { $1 }
        #expect(try settings(environment).engine.choice == .fixed(.openAI))
    }

    @Test("Of several Vaults the first keeps the secrets")
    func several() throws {
        let addresses = "https://vault.example:8200, desk:8200"
        let vault = try settings(Self.vault.merging(["AIOS_VAULT_ADDR": addresses, "VAULT_ADDR": ""]) { $1 }).vault
        #expect(vault.address?.description == "https://vault.example:8200")
        #expect(vault.others.map(\.description) == ["http://desk:8200"])
    }

    @Test("A malformed reference is refused with the setting and the form")
    func malformed() {
        let text = problem(Self.vault.merging(["OPENAI_API_KEY": "vault:secret/kith#k"]) { $1 })
        #expect(text.contains("engine.openai.api_key"))
        #expect(text.contains("vault:secret/data/kith#openai_key"))
    }

    @Test(
        "What is missing to read it is named",
        arguments: [
            ([:], "vault.address"), (["VAULT_ADDR": "http://127.0.0.1:8200"], "vault.token"),
            (["VAULT_ADDR": "http://127.0.0.1:8200", "VAULT_ROLE_ID": "r"], "vault.secret_id"),
            (["VAULT_ADDR": "http://127.0.0.1:8200", "VAULT_SECRET_ID": "s", "VAULT_TOKEN": "t"], "vault.role_id"),
            (["VAULT_ADDR": "http://vault.example:8200", "VAULT_TOKEN": "t"], "https"),
        ])
    func missing(environment: [String: String], name: String) {
        let text = problem(environment.merging(["OPENAI_API_KEY": Self.reference]) { $1 })
        #expect(text.contains(name))
        #expect(text.contains(Self.reference))
    }
}
