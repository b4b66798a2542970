// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import KithTesting
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Figures for docs/benchmarks.md; nothing here can fail for being slow.
@Suite("A culture of a hundred thousand insights", .enabled(if: getenv("KITH_LONG_TESTS") != nil, "takes a minute"))
struct CultureFigures {
    private static let count = 100_000
    private static let words = (0..<5_000).map { number in
        // Pronounceable and all different, so that stemming leaves them so.
        let syllables = ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "wu"]
        return "k" + String(number, radix: 10).compactMap { $0.wholeNumberValue.map { syllables[$0] } }.joined() + "x"
    }

    /// The further back in the list, the rarer: as in any language.
    private static func word(using generator: inout SeededGenerator) -> String {
        let draw = Double.random(in: 0..<1, using: &generator)
        return words[min(words.count - 1, Int(draw * draw * draw * Double(words.count)))]
    }

    private static func sentence(using generator: inout SeededGenerator) -> String {
        (0..<14).map { _ in word(using: &generator) }.joined(separator: " ") + "."
    }

    @Test("Search, and what is offered to a prompt")
    func figures() async throws {
        let seed: UInt64 = 6
        var generator = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let store = try Store(path: folder.path())
        let clock = ContinuousClock()
        let filling = try await clock.measure {
            for start in stride(from: 0, to: Self.count, by: 1_000) {
                let part = (start..<(start + 1_000)).map { number in
                    IndexedInsight(
                        Insight(
                            id: .random(using: &generator), text: Self.sentence(using: &generator),
                            provenance: .init(
                                peer: "laptop", tier: .kith, topic: Self.word(using: &generator), model: nil,
                                exchange: RequestID(rawValue: "e\(number)"), node: NodeID(test: 1),
                                at: .start + .seconds(number)),
                            quality: 0.7),
                        bands: (0..<12).map { _ in generator.next() })
                }
                try await store.put(part)
            }
        }
        print("seed \(seed): \(Self.count) insights put in within \(filling)")
        var (searches, offers): ([Duration], [Duration]) = ([], [])
        for _ in 0..<1_000 {
            let query = (0..<2).map { _ in Self.word(using: &generator) }.joined(separator: " ")
            searches.append(try await clock.measure { _ = try await store.searchInsights(query, limit: 20) })
            let prompt = (0..<40).map { _ in Self.word(using: &generator) }.joined(separator: " ")
            offers.append(try await clock.measure { _ = try await store.insights(relevantTo: prompt, limit: 3) })
        }
        for (name, times) in [("search for two words", searches), ("offered to a prompt of 40 words", offers)] {
            let sorted = times.sorted()
            print("\(name): p50 \(sorted[499]), p99 \(sorted[989]), most \(sorted[999])")
        }
        #expect(try await store.insightCount(on: .live) == Self.count)
        try await store.close()
    }
}
