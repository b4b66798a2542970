// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The culture as clients read and change it.
package enum CultureMessage {
    package struct Entry: Codable, Sendable {
        package var insight: InsightMessage
        /// As it counts now: see ``Insight/score(at:)``.
        package var score: Double
        /// How often somebody came to it.
        package var times: Int
        package var learned: String

        package init(_ insight: Insight, now: WallTime) {
            self.insight = InsightMessage(insight)
            score = (insight.score(at: now) * 1_000).rounded() / 1_000
            times = insight.timesReinforced + 1
            learned = insight.provenance.at.rfc3339
        }
    }

    package struct Entries: Codable, Sendable {
        /// Of the shelf that was asked for; for a search, of those that were found.
        package var total: Int
        package var insights: [Entry]

        package init(total: Int, insights: [Entry]) {
            self.total = total
            self.insights = insights
        }
    }

    /// What is written to files and read from them.
    package struct Collection: Codable, Sendable {
        package static let format = "kith-culture-1"

        package var format: String
        package var insights: [InsightMessage]

        package init(insights: [InsightMessage]) {
            format = Self.format
            self.insights = insights
        }
    }

    package struct Imported: Codable, Sendable {
        package var imported: Int
        /// Those that break the rules for insights.
        package var refused: Int

        package init(imported: Int, refused: Int) {
            self.imported = imported
            self.refused = refused
        }
    }

    package struct Decision: Codable, Sendable {
        /// `live` or `rejected`.
        package var standing: String

        package init(standing: String) { self.standing = standing }
    }
}
