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
