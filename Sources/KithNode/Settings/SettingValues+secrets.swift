// SPDX-License-Identifier: Apache-2.0

import KithModel

extension SettingValues {
    /// A secret that stands in the setting, or in Vault where the setting says.
    func secretSetting(_ key: SettingKey) throws(SettingProblem) -> SecretSetting? {
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

    /// What stands between this node and Vault's secrets.
    private var missingForVault: String? {
        guard let address = text(.vaultAddress).flatMap({ HTTPAddress($0) }) else {
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
