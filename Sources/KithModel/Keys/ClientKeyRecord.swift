// SPDX-License-Identifier: Apache-2.0

/// A client's key as it is kept: without the secret, which is shown once and stored as its SHA-256 digest only.
package struct ClientKeyRecord: Hashable, Sendable {
    /// The part of the key that may be shown; unique on this node.
    package var id: String
    package var name: String
    package var scopes: Set<Scope>
    /// SHA-256 of the secret, 32 bytes. A fast digest is enough: the secret is 256 random bits.
    package var digest: [UInt8]
    package var createdAt: WallTime
    package var expiresAt: WallTime?
    package var revokedAt: WallTime?

    package init(
        id: String, name: String, scopes: Set<Scope>, digest: [UInt8], createdAt: WallTime,
        expiresAt: WallTime? = nil, revokedAt: WallTime? = nil
    ) {
        self.id = id
        self.name = name
        self.scopes = scopes
        self.digest = digest
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
    }
}
