// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// An insight as kin replicate it, and as clients read it and write it to files.
package struct InsightMessage: Codable, Hashable, Sendable {
    package struct Reinforcement: Codable, Hashable, Sendable {
        package var node: NodeID
        package var count: Int
        package var at: WallTime
    }

    package var id: String
    package var text: String
    package var topic: String
    package var peer: String
    package var tier: String
    package var model: String?
    package var exchange: String
    package var node: NodeID
    package var learned_at: WallTime
    package var quality: Double
    /// `live`, `archived`, `waiting` or `rejected`.
    package var standing: String
    /// Why it waits.
    package var reason: String?
    package var reinforcements: [Reinforcement]

    package init(_ insight: Insight) {
        id = insight.id.rawValue
        text = insight.text
        topic = insight.provenance.topic
        peer = insight.provenance.peer
        tier = insight.provenance.tier.rawValue
        model = insight.provenance.model?.rawValue
        exchange = insight.provenance.exchange.rawValue
        node = insight.provenance.node
        learned_at = insight.provenance.at
        quality = insight.quality
        switch insight.standing {
        case .live: standing = "live"
        case .archived: standing = "archived"
        case .waiting(let why): (standing, reason) = ("waiting", why.rawValue)
        case .rejected: standing = "rejected"
        }
        reinforcements = insight.reinforcements.sorted { $0.key < $1.key }.prefix(Self.nodeLimit).map {
            Reinforcement(node: $0.key, count: $0.value.count, at: $0.value.at)
        }
    }

    /// The most nodes whose reinforcements are kept apart.
    package static let nodeLimit = 256
    private static let nameLimit = 512

    /// - Returns: `nil` if it breaks the rules for insights: it comes from another machine, or from a file.
    package var insight: Insight? {
        guard let id = InsightID(id), let tier = Tier(rawValue: tier), let standing = meaning,
            (1...Insight.textLimit).contains(text.utf8.count), topic.utf8.count <= Self.nameLimit,
            peer.utf8.count <= Self.nameLimit, exchange.utf8.count <= 64, (model?.utf8.count ?? 0) <= Self.nameLimit,
            reinforcements.count <= Self.nodeLimit, quality.isFinite,
            ![text, topic, peer].contains(where: { $0.unicodeScalars.contains(where: Self.isControl) })
        else { return nil }
        var reinforced: [NodeID: Insight.Reinforcement] = [:]
        for each in reinforcements {
            reinforced[each.node] = .init(count: min(max(1, each.count), 1_000_000), at: each.at)
        }
        return Insight(
            id: id, text: text,
            provenance: .init(
                peer: peer, tier: tier, topic: topic, model: model.map { ModelID($0) },
                exchange: RequestID(rawValue: exchange), node: node, at: learned_at),
            quality: quality, standing: standing, reinforcements: reinforced)
    }

    private var meaning: Insight.Standing? {
        switch (standing, reason.flatMap(QuarantineReason.init)) {
        case ("live", _): .live
        case ("archived", _): .archived
        case ("waiting", let reason?): .waiting(reason)
        case ("rejected", _): .rejected
        default: nil
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .control }
}

/// The culture as clients read and change it.
package enum CultureMessage {
    package struct Entry: Codable, Sendable {
        package var insight: InsightMessage
        /// The score now: see `Insight.score(at:)`.
        package var score: Double
        /// How often it was learned.
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
        /// All on the requested shelf; for a search, all that were found.
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
