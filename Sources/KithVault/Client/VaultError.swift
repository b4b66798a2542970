// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Why Vault did not do what it was asked. No message, and no cause, holds a token or what is kept in Vault.
package struct VaultError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// No connection, or none that lasted.
        case unreachable
        case timeout
        case tls
        case sealed
        case notInitialised
        /// Vault is there and cannot answer now: too much to do, or failing.
        case unavailable
        /// A standby that answers only with the address of another.
        case elsewhere
        /// What answers is not Vault.
        case foreign
        /// The token is not valid, or may not do this.
        case denied
        case noSecret
        case noField
        /// There is such a field, and it cannot be a key.
        case unusableField
    }

    package var code: Code
    /// What is wrong, and what to do about it.
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// Whether this may pass although the request stays the same.
    package var isPassing: Bool {
        switch code {
        case .unreachable, .timeout, .tls, .sealed, .notInitialised, .unavailable, .elsewhere, .foreign: true
        case .denied, .noSecret, .noField, .unusableField: false
        }
    }

    /// The same error for an engine whose key is kept in Vault.
    package var problemOfKey: SecretError {
        let what =
            switch code {
            case .sealed: ", which is sealed; `vault operator unseal` opens it"
            case .notInitialised: ", which is not initialised"
            case .unreachable: ", which cannot be reached"
            case .timeout: ", which does not answer in time"
            default: ": \(message)"
            }
        return SecretError(.unavailable, "its key is in Vault" + what)
    }

    package var description: String { message + (cause.map { " (\($0))" } ?? "") }
}

extension VaultError {
    /// - Parameter failure: why there was no whole answer.
    init(_ failure: ChatError, at address: HTTPAddress) {
        switch VaultStatus(failure) {
        case .unreachable(.timeout):
            self.init(.timeout, "Vault at \(address) does not answer in time", cause: failure)
        case .unreachable(.tls):
            self.init(
                .tls,
                "the TLS handshake with Vault at \(address) failed; vault.ca_certificate names a certificate that "
                    + "vouches for it", cause: failure)
        case .foreign: self.init(.foreign, "what answers at \(address) is not Vault", cause: failure)
        default:
            self.init(
                .unreachable, "Vault at \(address) cannot be reached; is vault.address right, does it run?",
                cause: failure)
        }
    }

    /// The meaning of the status of an error response.
    ///
    /// - Parameters:
    ///   - errors: Vault's own words, looked at and not repeated; `nil` when it was not Vault that answered.
    init(status: Int, errors: [String]?, at address: HTTPAddress, attempt: VaultAttempt) {
        func says(_ words: String) -> Bool { errors?.contains { $0.lowercased().contains(words) } ?? false }
        switch (status, errors) {
        case _ where says("vault is sealed"):
            self.init(.sealed, "Vault at \(address) is sealed; `vault operator unseal` opens it")
        case _ where says("not initialized"):
            self.init(.notInitialised, "Vault at \(address) is not initialised; `vault operator init` does that")
        case (301, _), (302, _), (307, _), (308, _):
            self.init(
                .elsewhere, "the Vault at \(address) only says where another is; vault.address must name that one")
        case (412, _?), (429, _), (472...474, _?), (500...599, _):
            self.init(.unavailable, "Vault at \(address) cannot answer now, with status \(status)")
        // 400 is the answer to a role that is not accepted and to a token that cannot be renewed.
        case (400...403, _?): self.init(.denied, attempt.denial)
        case (404, _?): self.init(.noSecret, attempt.absence)
        default: self.init(.foreign, "what answers at \(address) with status \(status) does not answer as Vault does")
        }
    }
}

/// What was asked of Vault, for the message of an error.
enum VaultAttempt: Hashable, Sendable {
    case logIn
    case lookUp
    case renew
    case read(path: String)

    var denial: String {
        switch self {
        case .logIn:
            "Vault does not accept vault.role_id and vault.secret_id; `vault write -f auth/approle/role/NAME/secret-id` "
                + "makes a new secret_id"
        case .lookUp, .renew: "Vault does not accept the token any more, or its policies do not let it renew itself"
        case .read(let path):
            "Vault denies reading \(path): the token has ended, or its policy lacks `read` on that path"
        }
    }

    var absence: String {
        switch self {
        case .logIn: "Vault has no AppRole method at auth/approle; `vault auth enable approle` adds it"
        case .lookUp, .renew: "Vault does not know the token"
        case .read(let path):
            "Vault has no secret at \(path), or its last version was deleted; `vault kv put` writes one"
        }
    }
}
