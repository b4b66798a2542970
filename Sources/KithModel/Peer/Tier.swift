// SPDX-License-Identifier: Apache-2.0

/// How far another node is trusted.
package enum Tier: String, Sendable, Codable, CaseIterable {
    /// Another device of the same owner: may receive prompts, context, sessions and code.
    case kin
    /// Someone else's node: may only exchange abstract topics.
    case kith
}
