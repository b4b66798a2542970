// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What becomes of a sentence that was distilled.
package enum Learning: Hashable, Sendable {
    case new(Insight)
    /// It has been said before.
    case again(InsightID)
    /// The owner did not want it before.
    case unwanted(InsightID)
    case poor(InsightQuality.Fault)

    /// - Parameters:
    ///   - known: Those that may say the same; see ``WordSignature``.
    ///   - heard: What it was distilled from.
    package static func decide(
        _ text: String, heard: String, known: [Insight], provenance: Insight.Provenance,
        using generator: inout some RandomNumberGenerator
    ) -> Learning {
        let quality: Double
        switch InsightQuality.judge(text, topic: provenance.topic, heard: heard) {
        case .poor(let fault): return .poor(fault)
        case .good(let found): quality = found
        }
        let words = WordSet(text)
        let nearest = known.map { (insight: $0, words: WordSet($0.text)) }
            .filter { words.says(theSameAs: $0.words) }
            .map { (insight: $0.insight, similarity: words.similarity(to: $0.words)) }
            .max { ($0.similarity, $1.insight.id) < ($1.similarity, $0.insight.id) }
        if let nearest {
            return nearest.insight.standing == .rejected ? .unwanted(nearest.insight.id) : .again(nearest.insight.id)
        }
        let standing = Quarantine.reason(against: text).map(Insight.Standing.waiting) ?? .live
        return .new(
            Insight(
                id: .random(using: &generator), text: text, provenance: provenance, quality: quality, standing: standing
            ))
    }
}
