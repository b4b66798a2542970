// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("Mood tags")
struct MoodTagTests {
    @Test(
        "The valence chooses the first word",
        arguments: [
            (1.0, MoodTag.delighted), (0.6, .delighted), (0.59, .content), (0.2, .content), (0.19, .calm), (0, .calm),
            (-0.19, .calm), (-0.2, .strained), (-0.59, .strained), (-0.6, .distressed), (-1, .distressed),
        ])
    func valenceWord(valence: Double, expected: MoodTag) {
        #expect(MoodTag.tags(valence: valence, recent: RecentOutcomes(completed: 5)) == [expected])
    }

    @Test(
        "What happened lately adds words",
        arguments: [
            (0.0, 0.0, [MoodTag.calm, .idle]), (0.4, 0, [.calm, .idle]), (0.5, 0, [.calm]), (20, 0, [.calm, .busy]),
            (3, 3, [.calm, .struggling]), (4, 3, [.calm]), (0, 2, [.calm]), (5, 30, [.calm, .busy, .struggling]),
        ])
    func recentWords(completed: Double, troubled: Double, expected: [MoodTag]) {
        let recent = RecentOutcomes(completed: completed, troubled: troubled)
        #expect(MoodTag.tags(valence: 0, recent: recent) == expected)
    }

    @Test("Recent counts halve in an hour and stay when the clock jumps back")
    func recentDecay() {
        let start = WallTime(milliseconds: 1_700_000_000_000)
        var recent = RecentOutcomes(at: start)
        for _ in 0..<4 { recent.record(.completed, at: start) }
        recent.record(.cutOff, at: start)
        let later = recent.decayed(to: start.advanced(by: .seconds(3_600)))
        #expect(later.completed == 2)
        #expect(later.troubled == 0.5)
        #expect(recent.decayed(to: start.advanced(by: .seconds(-3_600))).completed == 4)
    }

    @Test("Recent counts stay finite and never negative", arguments: 1...10)
    func recentStaysFinite(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        var recent = RecentOutcomes(completed: .nan, troubled: -.infinity)
        for step in 0..<500 {
            let outcome = InteractionOutcome.allCases.randomElement(using: &generator) ?? .completed
            recent.record(outcome, at: WallTime(milliseconds: Int64(bitPattern: generator.next())))
            let counts = [recent.completed, recent.troubled]
            #expect(counts.allSatisfy { $0.isFinite && $0 >= 0 }, "seed \(seed), step \(step)")
        }
    }
}
