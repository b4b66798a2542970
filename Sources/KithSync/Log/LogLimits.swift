// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What a replicated log holds at most.
///
/// This node's own writes are refused beyond a limit. What kin have written must be taken, or kin would not agree; the log
/// takes it up to ``headroom`` times as much, so that many nodes which write at once stay in step, and then stops.
package struct LogLimits: Hashable, Sendable {
    static let headroom = 4

    package var levels: Int
    package var contextKeys: Int
    package var insights: Int
    /// Bytes of all values together.
    package var valueBytes: Int
    /// Logs of all nodes, also of those that are gone.
    package var replicas: Int
    /// Removals that are remembered; the oldest are forgotten first.
    package var removals: Int
    /// How long it is remembered that something was removed.
    package var removalLife: Duration

    package static let standard = LogLimits()

    package init(
        levels: Int = 1_024, contextKeys: Int = 100_000, insights: Int = 10_000, valueBytes: Int = 64 << 20,
        replicas: Int = 1_024, removals: Int = 20_000, removalLife: Duration = .seconds(30 * 86_400)
    ) {
        self.levels = levels
        self.contextKeys = contextKeys
        self.insights = insights
        self.valueBytes = valueBytes
        self.replicas = replicas
        self.removals = removals
        self.removalLife = removalLife
    }

    func registers(_ kind: RegisterKey.Kind) -> Int {
        switch kind {
        case .level: levels
        case .context: contextKeys
        case .insight: insights
        }
    }
}
