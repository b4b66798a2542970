// SPDX-License-Identifier: Apache-2.0

/// A word for how a node fares, as the seeds' `mood_tags` show it.
package enum MoodTag: String, Hashable, Sendable, Codable, CaseIterable {
    case delighted, content, calm, strained, distressed
    case idle, busy
    case struggling

    /// The words that hold, in this order:
    ///
    /// 1. Always one for the valence: `delighted` from 0.6, `content` from 0.2, `calm` between -0.2 and 0.2, `strained`
    ///    down from -0.2, `distressed` down from -0.6.
    /// 2. `idle` when less than half an interaction is left in the recent counts, `busy` from 20.
    /// 3. `struggling` when at least three recent interactions, and at least half of all, went wrong.
    ///
    /// - Parameters:
    ///   - valence: from -1 to 1.
    ///   - recent: the counts decayed to now.
    package static func tags(valence: Double, recent: RecentOutcomes) -> [MoodTag] {
        var tags = [tag(valence: valence)]
        let total = recent.completed + recent.troubled
        if total < 0.5 {
            tags.append(.idle)
        } else if total >= 20 {
            tags.append(.busy)
        }
        if recent.troubled >= 3, recent.troubled * 2 >= total { tags.append(.struggling) }
        return tags
    }

    private static func tag(valence: Double) -> MoodTag {
        if valence >= 0.6 {
            .delighted
        } else if valence >= 0.2 {
            .content
        } else if valence <= -0.6 {
            .distressed
        } else if valence <= -0.2 {
            .strained
        } else {
            .calm
        }
    }
}
