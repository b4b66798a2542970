// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What lets this node in to Vault.
package enum VaultCredential: Hashable, Sendable {
    case token(Secret)
    /// Vault's method for programs (https://developer.hashicorp.com/vault/docs/auth/approle).
    case appRole(roleID: String, secretID: Secret)
}
