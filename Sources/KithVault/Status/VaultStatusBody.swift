// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The answer to `GET /vault-status`: the seed's keys, and what is known beyond them.
package struct VaultStatusBody: Encodable, Hashable, Sendable {
    package enum Status: String, Encodable, Sendable {
        case available
        case unavailable
        /// Nobody knows, because Vault did not answer.
        case error
    }

    package var status: Status
    /// With `available` and `unavailable`.
    package var code: Int?
    /// With `error`.
    package var error: String?
    package var detail: String
    /// How long ago Vault was asked.
    package var ageSeconds: Double?

    private enum CodingKeys: String, CodingKey {
        case status, code, error, detail
        case ageSeconds = "age_seconds"
    }

    package init(_ status: VaultStatus, age: Duration? = nil) {
        detail = status.detail
        ageSeconds = age.map { (max(.zero, $0).seconds * 1_000).rounded() / 1_000 }
        switch status {
        case .unreachable, .foreign:
            self.status = .error
            error = status.detail
        default:
            self.status = status.isAvailable ? .available : .unavailable
            code = status.code
        }
    }

    /// For a node whose settings name no Vault.
    package static let unconfigured = VaultStatusBody(
        problem: "no Vault is set; vault.address (VAULT_ADDR, AIOS_VAULT_ADDR) says where it is")

    private init(problem: String) {
        status = .error
        error = problem
        detail = problem
    }
}
