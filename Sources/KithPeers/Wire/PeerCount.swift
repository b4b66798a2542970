// SPDX-License-Identifier: Apache-2.0

/// How many tokens a prompt has, as a node's engine counts them.
struct PeerCount: Codable, Hashable, Sendable {
    /// `nil` where the engine cannot count.
    var tokens: Int?
}
