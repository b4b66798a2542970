// SPDX-License-Identifier: Apache-2.0

/// What a setting says of a secret: the secret itself, or where it is kept.
package enum SecretSetting: Hashable, Sendable {
    case value(Secret)
    case vault(VaultReference)

    /// - Parameter keeper: Reads what is kept elsewhere; without one it stays unavailable.
    package func source(from keeper: (any SecretKeeper)?) -> any SecretSource {
        switch self {
        case .value(let secret): secret
        case .vault(let reference): keeper?.source(of: reference) ?? UnreadSecret()
        }
    }
}

/// Reads secrets where they are kept, and reads them again when they may have changed.
package protocol SecretKeeper: Sendable {
    func source(of reference: VaultReference) -> any SecretSource
}

/// A secret that nobody reads.
private struct UnreadSecret: SecretSource {
    func current() throws(SecretProblem) -> Secret {
        throw SecretProblem(.unavailable, "its key is in Vault, which is not asked here")
    }

    func refused(_ secret: Secret) -> Bool { false }
}
