// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The settings in effect: flags over environment over `.env` over YAML over defaults.
struct SettingValues {
    private let layers: [SettingLayer]

    init(_ sources: SettingSources) throws(SettingError) {
        var layers = [try SettingLayer.flags(sources.flags), try SettingLayer.environment(sources.environment)]
        if let file = sources.environmentFile { layers.append(try SettingLayer.environmentFile(file)) }
        if let file = sources.yaml { layers.append(try SettingLayer.yaml(file)) }
        var defaults = SettingLayer(name: "defaults")
        for definition in SettingDefinition.all {
            guard let text = definition.fallback else { continue }
            try defaults.set(definition, to: text, at: .byDefault)
        }
        layers.append(defaults)
        self.layers = layers
    }

    private func entry(_ key: SettingKey) -> SettingLayer.Entry? {
        layers.lazy.compactMap { $0.entries[key] }.first
    }

    func place(of key: SettingKey) -> SettingPlace { entry(key)?.place ?? .byDefault }

    func isSet(_ key: SettingKey) -> Bool { place(of: key) != .byDefault }

    func text(_ key: SettingKey) -> String? {
        if case .string(let text) = entry(key)?.content { text } else { nil }
    }

    func integer(_ key: SettingKey) -> Int? { if case .int(let number) = entry(key)?.content { number } else { nil } }

    func number(_ key: SettingKey) -> Double? {
        if case .double(let number) = entry(key)?.content { number } else { nil }
    }

    func boolean(_ key: SettingKey) -> Bool? { if case .bool(let isOn) = entry(key)?.content { isOn } else { nil } }

    /// Those of a list; none where it is not set.
    func addresses(_ key: SettingKey) -> [HTTPAddress] {
        text(key).map(SettingKind.entries)?.compactMap { HTTPAddress($0) } ?? []
    }

    func secret(_ key: SettingKey) -> Secret? { text(key).map(Secret.init) }

    func model(_ key: SettingKey) -> ModelID? { text(key).map { ModelID($0) } }

    /// The value of a setting that has a default.
    func required<Value>(_ key: SettingKey, _ value: Value?) throws(SettingError) -> Value {
        guard let value else { throw refusal(key, "there is no value and no default") }
        return value
    }

    func refusal(_ key: SettingKey, _ reason: String) -> SettingError {
        SettingError(key.rawValue, at: place(of: key), .refused(reason))
    }
}

extension SettingValues {
    /// A secret that stands in the setting itself, or in Vault at the place that the setting names.
    func secretSetting(_ key: SettingKey) throws(SettingError) -> SecretSetting? {
        guard let text = secret(key)?.reveal() else { return nil }
        guard VaultReference.isMeant(by: text) else { return .value(Secret(text)) }
        let reference: VaultReference
        do {
            reference = try VaultReference(text)
        } catch {
            throw refusal(key, "a secret in Vault \(error)")
        }
        if let missing = missingForVault { throw refusal(key, "\(reference) cannot be read: \(missing)") }
        return .vault(reference)
    }

    /// What is missing before this node can read secrets from Vault.
    var missingForVault: String? {
        guard let address = addresses(.vaultAddress).first else {
            return "vault.address (VAULT_ADDR) does not say where Vault is"
        }
        guard address.keepsSecrets else {
            return "vault.address must begin with https, because others could read on the way what Vault tells"
        }
        switch (isSet(.vaultRoleID), isSet(.vaultSecretID)) {
        case (true, true): return nil
        case (true, false): return "vault.role_id needs vault.secret_id (VAULT_SECRET_ID) too"
        case (false, true): return "vault.secret_id needs vault.role_id (VAULT_ROLE_ID) too"
        case (false, false):
            return isSet(.vaultToken)
                ? nil : "Vault lets nobody in without vault.token (VAULT_TOKEN), or vault.role_id and vault.secret_id"
        }
    }
}
