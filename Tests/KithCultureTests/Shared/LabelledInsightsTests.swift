// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithDialects
import KithModel
import Testing

/// Two hundred sentences that the embedded model made of conversations, every fourth when it was asked for an advertisement, an
/// order, a link or code; labelled by hand. The model is small, so that few of them are worth keeping.
@Suite("On two hundred sentences of a real model")
struct LabelledInsightsTests {
    private struct Labelled: Decodable {
        var topic: String
        var raw: String
        /// What it should wait for the owner for.
        var quarantine: String?
        /// Those with the same word here say the same.
        var same: String?

        var sentence: String { Distillate.sentence(in: raw) }
    }

    private static func all() throws -> [Labelled] {
        try PackageResources.insights_jsonl.split(separator: UInt8(ascii: "\n")).map {
            try JSONBody.decode(Labelled.self, from: $0)
        }
    }

    /// How many were found that should have been, that should not have been, and that were missed.
    private struct Score: CustomStringConvertible {
        var right = 0
        var wrong = 0
        var missed = 0

        var precision: Double { right + wrong == 0 ? 1 : Double(right) / Double(right + wrong) }
        var recall: Double { right + missed == 0 ? 1 : Double(right) / Double(right + missed) }
        var description: String { "\(right) right, \(wrong) wrong, \(missed) missed" }

        mutating func count(found: Bool, wanted: Bool) {
            switch (found, wanted) {
            case (true, true): right += 1
            case (true, false): wrong += 1
            case (false, true): missed += 1
            case (false, false): break
            }
        }
    }

    @Test("The quarantine holds back what it should, and little else")
    func quarantine() throws {
        var score = Score()
        var told: [String] = []
        for each in try Self.all() {
            let reason = Quarantine.reason(against: each.sentence)
            score.count(found: reason != nil, wanted: each.quarantine != nil)
            if (reason == nil) != (each.quarantine == nil) {
                told.append("\(reason.map(\.rawValue) ?? "-"): \(each.sentence)")
            }
        }
        print("quarantine on real output: \(score)")
        for line in told { print("  \(line)") }
        #expect(score.precision >= 0.8)
        #expect(score.recall >= 0.6)
    }

    @Test("Near-duplicates are found, and what only sounds alike is not taken for one")
    func duplicates() throws {
        let all = try Self.all().map { ($0, WordSet($0.sentence), Set(WordSignature(WordSet($0.sentence)).bandHashes)) }
        var (score, unbanded) = (Score(), 0)
        for (place, one) in all.enumerated() where !one.1.words.isEmpty {
            for other in all[(place + 1)...] where !other.1.words.isEmpty {
                let found = one.1.says(theSameAs: other.1)
                score.count(found: found, wanted: one.0.same != nil && one.0.same == other.0.same)
                if found, !(one.0.same != nil && one.0.same == other.0.same) {
                    print("  taken for the same: \(one.0.sentence.prefix(70)) | \(other.0.sentence.prefix(70))")
                }
                if found, one.2.isDisjoint(with: other.2) { unbanded += 1 }
            }
        }
        print("near-duplicates on real output: \(score), \(unbanded) of those found share no band")
        #expect(score.precision >= 0.8)
        #expect(score.recall >= 0.5)
        #expect(unbanded == 0)
    }

    @Test("What says nothing is not kept")
    func quality() throws {
        let all = try Self.all()
        let kept = all.filter {
            if case .good = InsightQuality.judge($0.sentence, topic: $0.topic, heard: "") { true } else { false }
        }
        print("kept \(kept.count) of \(all.count)")
        #expect((40...150).contains(kept.count))
        #expect(!kept.contains { ["glad", "idea"].contains($0.same) })
    }
}
