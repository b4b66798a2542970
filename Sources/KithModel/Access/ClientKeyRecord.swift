// SPDX-License-Identifier: Apache-2.0

/// What a client may do with a key.
package enum Scope: String, Sendable, Codable, CaseIterable {
    /// Ask for answers and embeddings.
    case chat
    /// Ask for help with code.
    case assist
    /// Read and write levels and context.
    case sync
    /// Speak as a seed-style peer: registration, heartbeats, abstract exchanges.
    case peer
    /// See status, peers and metrics.
    case read
    /// Change who is trusted, and keys.
    case admin
}

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
    package var limits: KeyLimits

    package init(
        id: String, name: String, scopes: Set<Scope>, digest: [UInt8], createdAt: WallTime,
        expiresAt: WallTime? = nil, revokedAt: WallTime? = nil, limits: KeyLimits = KeyLimits()
    ) {
        self.limits = limits
        self.id = id
        self.name = name
        self.scopes = scopes
        self.digest = digest
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
    }
}
