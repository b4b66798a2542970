// SPDX-License-Identifier: Apache-2.0

/// One sentence worth keeping, and where it came from. The culture is the set of these.
package struct Insight: Hashable, Sendable {
    /// The exchange in which a sentence was learned.
    package struct Provenance: Hashable, Sendable {
        /// The name or the address of the peer.
        package var peer: String
        package var tier: Tier
        package var topic: String
        /// What distilled the sentence here; `nil` where the engine did not say.
        package var model: ModelID?
        package var exchange: RequestID
        /// The node that had the exchange.
        package var node: NodeID
        package var at: WallTime

        package init(
            peer: String, tier: Tier, topic: String, model: ModelID?, exchange: RequestID, node: NodeID, at: WallTime
        ) {
            self.peer = peer
            self.tier = tier
            self.topic = topic
            self.model = model
            self.exchange = exchange
            self.node = node
            self.at = at
        }
    }

    /// How often one node has learned the same again.
    package struct Reinforcement: Hashable, Sendable {
        package var count: Int
        package var at: WallTime

        package init(count: Int, at: WallTime) {
            self.count = count
            self.at = at
        }
    }

    package enum Standing: Hashable, Sendable {
        case live
        /// Others are worth more; it can still be found, and comes back when it is learned again.
        case archived
        /// Waits for the owner, and why.
        case waiting(QuarantineReason)
        /// The owner does not want it; kept so that it does not come again.
        case rejected
    }

    /// Bytes of a sentence.
    package static let textLimit = 512
    /// The time in which the score of a sentence halves if nobody learns it again.
    package static let halfLife = HalfLife(.seconds(30 * 86_400))

    package var id: InsightID
    package var text: String
    package var provenance: Provenance
    /// 0…1, as it was judged when it was learned.
    package var quality: Double
    package var standing: Standing
    /// By the node that learned the same; without the first time.
    package var reinforcements: [NodeID: Reinforcement]

    package init(
        id: InsightID, text: String, provenance: Provenance, quality: Double, standing: Standing = .live,
        reinforcements: [NodeID: Reinforcement] = [:]
    ) {
        self.id = id
        self.text = text
        self.provenance = provenance
        self.quality = min(max(quality.isFinite ? quality : 0, 0), 1)
        self.standing = standing
        self.reinforcements = reinforcements
    }

    package var timesReinforced: Int { reinforcements.values.reduce(0) { $0 + min(max(0, $1.count), 1_000) } }

    package var lastLearned: WallTime { reinforcements.values.map(\.at).reduce(provenance.at, max) }

    /// From 0 on: the quality, times how often it was learned on a logarithmic scale, halved for each half-life.
    package func score(at now: WallTime) -> Double {
        let times = timesReinforced + 1
        let bits = Double(Int.bitWidth - times.leadingZeroBitCount - 1)
        let share = Double(times) / Double(1 << Int(bits)) - 1  // between two powers of two, linear is near enough
        return quality * (1 + bits + share) * Self.halfLife.remainder(from: lastLearned, to: now)
    }

    /// Merges what two nodes made of one insight without knowing of each other: the result is the same in any order.
    package func merged(with other: Insight) -> Insight {
        let (first, second) = precedes(other) ? (self, other) : (other, self)
        var merged = first
        for (node, theirs) in second.reinforcements {
            guard let ours = merged.reinforcements[node] else {
                merged.reinforcements[node] = theirs
                continue
            }
            merged.reinforcements[node] = Reinforcement(
                count: max(ours.count, theirs.count), at: max(ours.at, theirs.at))
        }
        merged.standing = standing.stronger(than: other.standing)
        return merged
    }

    /// Orders by everything except the fields that are merged separately.
    private func precedes(_ other: Insight) -> Bool {
        (provenance.at, provenance.node, text, quality) < (
            other.provenance.at, other.provenance.node, other.text, other.quality
        )
    }
}

extension Insight.Standing {
    /// An owner's decision takes precedence over a rule's, and a rejection over an approval.
    fileprivate func stronger(than other: Insight.Standing) -> Insight.Standing {
        switch (self, other) {
        case (.rejected, _), (_, .rejected): .rejected
        case (.live, _), (_, .live): .live
        case (.archived, _), (_, .archived): .archived
        case (.waiting(let one), .waiting(let other)): .waiting(min(one, other))
        }
    }
}

/// Why a sentence has to be reviewed before it becomes part of the culture.
package enum QuarantineReason: String, Hashable, Sendable, CaseIterable, Comparable {
    /// It tells somebody what to do.
    case instruction
    case link
    case code
    case advertisement

    package static func < (left: QuarantineReason, right: QuarantineReason) -> Bool { left.rawValue < right.rawValue }
}

/// Names one insight on every node that has it: 128 random bits in hexadecimal.
package struct InsightID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: String

    /// - Returns: `nil` for anything but 32 hexadecimal digits in lower case.
    package init?(_ rawValue: String) {
        guard rawValue.utf8.count == 32,
            rawValue.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        self.rawValue = rawValue
    }

    private init(_ id: RequestID) { rawValue = id.rawValue }

    package static func random(using generator: inout some RandomNumberGenerator) -> InsightID {
        InsightID(RequestID.random(using: &generator))
    }

    package var description: String { rawValue }

    package static func < (left: InsightID, right: InsightID) -> Bool { left.rawValue < right.rawValue }
}
