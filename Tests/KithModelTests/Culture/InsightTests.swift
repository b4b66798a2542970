// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("One sentence of the culture")
struct InsightTests {
    private let nodes = (0..<4).compactMap { NodeID(digest: [UInt8](repeating: UInt8($0), count: 32)) }

    private func insight(_ text: String = "Meaning is made between those who listen.", at time: Int64 = 0) -> Insight {
        var generator = SeededGenerator(seed: 1)
        return Insight(
            id: .random(using: &generator), text: text,
            provenance: .init(
                peer: "laptop", tier: .kith, topic: "meaning", model: nil, exchange: RequestID(rawValue: "x"),
                node: nodes[0], at: WallTime(milliseconds: time)),
            quality: 0.8)
    }

    @Test("Its score halves in a half-life, and grows with each time that somebody comes to the same")
    func score() {
        var insight = insight()
        #expect(insight.score(at: .epoch) == 0.8)
        #expect(abs(insight.score(at: .epoch.advanced(by: Insight.halfLife.duration)) - 0.4) < 1e-9)
        insight.reinforcements[nodes[1]] = .init(count: 1, at: .epoch)
        #expect(abs(insight.score(at: .epoch) - 1.6) < 1e-9)
        insight.reinforcements[nodes[2]] = .init(count: 2, at: WallTime(milliseconds: 1_000))
        #expect(abs(insight.score(at: WallTime(milliseconds: 1_000)) - 2.4) < 1e-9)
    }

    @Test(
        "What two nodes made of it comes to the same in any order, and merging twice changes nothing",
        arguments: UInt64(1)...50)
    func merging(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        func variant() -> Insight {
            var insight = insight(
                ["One.", "Two."].randomElement(using: &generator)!, at: .random(in: 0...2, using: &generator))
            insight.standing = [.live, .archived, .rejected, .waiting(.link), .waiting(.code)].randomElement(
                using: &generator)!
            for node in nodes where Bool.random(using: &generator) {
                insight.reinforcements[node] = .init(
                    count: .random(in: 1...5, using: &generator),
                    at: WallTime(milliseconds: .random(in: 0...9, using: &generator)))
            }
            return insight
        }
        let (a, b, c) = (variant(), variant(), variant())
        #expect(a.merged(with: b) == b.merged(with: a))
        #expect(a.merged(with: b).merged(with: c) == a.merged(with: b.merged(with: c)))
        #expect(a.merged(with: a) == a)
        #expect(a.merged(with: b).merged(with: b) == a.merged(with: b))
    }

    @Test("What the owner does not want stays unwanted, whatever others think")
    func rejected() {
        var (mine, theirs) = (insight(), insight())
        mine.standing = .rejected
        theirs.standing = .live
        #expect(mine.merged(with: theirs).standing == .rejected)
    }
}
