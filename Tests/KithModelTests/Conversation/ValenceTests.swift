// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithTesting
import Testing

@Suite("Valence")
struct ValenceTests {
    private static let start = WallTime(milliseconds: 1_700_000_000_000)

    @Test("A node to which nothing happened is at 0")
    func neutral() {
        #expect(Valence().score(at: Self.start) == 0)
    }

    @Test("Each event pulls by its documented weight")
    func weights() throws {
        let praise = try #require(FeedbackScore(1))
        let complaint = try #require(FeedbackScore(-0.5))
        let cases: [(Valence.Event, Double)] = [
            (.completed, 0.05), (.failed, -0.20), (.cutOff, -0.10), (.feedback(praise), 0.30),
            (.feedback(complaint), -0.15),
        ]
        for (event, expected) in cases {
            var valence = Valence(at: Self.start)
            valence.record(event, at: Self.start)
            #expect(abs(valence.score - expected) < 1e-12, "\(event)")
        }
    }

    @Test("After six hours without events half of the score is left")
    func halfLife() {
        let valence = Valence(score: -0.8, at: Self.start)
        #expect(abs(valence.score(at: Self.start.advanced(by: .seconds(21_600))) + 0.4) < 1e-12)
        #expect(abs(valence.score(at: Self.start.advanced(by: .seconds(43_200))) + 0.2) < 1e-12)
    }

    @Test("A clock that jumps back changes nothing, and the score decays on from the new time")
    func clockJumpsBack() {
        var valence = Valence(score: 0.5, at: Self.start)
        let earlier = Self.start.advanced(by: .seconds(-86_400))
        #expect(valence.score(at: earlier) == 0.5)
        valence.record(.completed, at: earlier)
        #expect(abs(valence.score - 0.525) < 1e-12)
        #expect(abs(valence.score(at: earlier.advanced(by: .seconds(21_600))) - 0.2625) < 1e-12)
    }

    @Test("A stored score that is no score is held to the range", arguments: [Double.nan, .infinity, -.infinity, 7])
    func heldWhenRead(score: Double) {
        #expect((-1...1).contains(Valence(score: score).score))
    }

    @Test("Only what lies in [-1, 1] is feedback", arguments: [Double.nan, .infinity, -1.000_001, 1.5])
    func feedbackRange(score: Double) {
        #expect(FeedbackScore(score) == nil)
    }

    @Test("It survives being coded")
    func coding() throws {
        let valence = Valence(score: -0.25, at: Self.start)
        #expect(try JSONDecoder().decode(Valence.self, from: JSONEncoder().encode(valence)) == valence)
    }

    @Test("Whatever happens at whatever time, it stays in range, and only events make it grow", arguments: 1...20)
    func staysInRange(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        var valence = Valence(at: Self.start)
        for step in 0..<500 {
            let now = Self.anyTime(using: &generator)
            let before = valence.score
            let decayed = valence.score(at: now)
            #expect(abs(decayed) <= abs(before) && decayed * before >= 0, "seed \(seed), step \(step)")
            let event = try Self.anyEvent(using: &generator)
            valence.record(event, at: now)
            #expect((-1...1).contains(valence.score), "seed \(seed), step \(step), \(event)")
        }
    }

    @Test("A good event never lowers it, a bad one never raises it", arguments: 1...20)
    func direction(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        for step in 0..<200 {
            let score = Double.random(in: -1...1, using: &generator)
            var valence = Valence(score: score, at: Self.start)
            let event = try Self.anyEvent(using: &generator)
            valence.record(event, at: Self.start)
            let isGood =
                switch event {
                case .outcome(let outcome): outcome == .completed
                case .feedback(let feedback): feedback.rawValue >= 0
                case .learned: true
                }
            #expect(isGood ? valence.score >= score : valence.score <= score, "seed \(seed), step \(step), \(event)")
        }
    }

    private static func anyTime(using generator: inout SeededGenerator) -> WallTime {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: WallTime(milliseconds: Int64(bitPattern: generator.next()))
        case 1: WallTime(milliseconds: .max)
        case 2: WallTime(milliseconds: .min)
        default: start.advanced(by: .seconds(Int64.random(in: -86_400...86_400, using: &generator)))
        }
    }

    private static func anyEvent(using generator: inout SeededGenerator) throws -> Valence.Event {
        switch Int.random(in: 0..<5, using: &generator) {
        case 4: .learned
        case 0: .completed
        case 1: .failed
        case 2: .cutOff
        default: .feedback(try #require(FeedbackScore(Double.random(in: -1...1, using: &generator))))
        }
    }
}
