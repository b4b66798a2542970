// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("A kin's load, brought up to date")
struct InFlightRequestsTests {
    /// When a report is heard of what was counted at a moment.
    private static func heard(_ counted: MonotonicInstant) -> MonotonicInstant { counted + InFlightRequests.reportAge }

    @Test("What was sent since the report is added, what has ended of what was sent before is taken off")
    func correction() {
        var own = InFlightRequests()
        own.began(now: .seconds(1))
        own.began(now: .seconds(2))
        own.ended(now: .seconds(4))
        own.began(now: .seconds(5))
        own.began(now: .seconds(6))
        #expect(own.corrected(7, heardAt: Self.heard(.seconds(3))) == 8)
        #expect(own.corrected(7, heardAt: Self.heard(.seconds(4))) == 9)
        #expect(own.corrected(7, heardAt: Self.heard(.seconds(6))) == 7)
        #expect(own.corrected(7, heardAt: Self.heard(.zero)) == 10)
    }

    @Test("It is never less than what is under way there")
    func floor() {
        var own = InFlightRequests()
        for second in 1...3 { own.began(now: .seconds(Double(second))) }
        #expect(own.corrected(0, heardAt: Self.heard(.seconds(10))) == 3)
        own.ended(now: .seconds(11))
        #expect(own.corrected(0, heardAt: Self.heard(.seconds(10))) == 2)
    }

    @Test("What is told of without having begun counts for nothing")
    func unbegun() {
        var own = InFlightRequests()
        own.ended(now: .zero)
        #expect(own.count == 0)
        #expect(own.corrected(4, heardAt: Self.heard(.zero)) == 4)
    }

    @Test("However much was sent, the recent past is remembered exactly", arguments: 1...10 as ClosedRange<UInt64>)
    func longHistory(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var own = InFlightRequests()
        var counts = [0]
        for step in 1...5_000 {
            if counts[step - 1] == 0 || Bool.random(using: &generator) {
                own.began(now: .seconds(Double(step)))
            } else {
                own.ended(now: .seconds(Double(step)))
            }
            counts.append(own.count)
            let back = Int.random(in: 0..<min(step, InFlightRequests.capacity), using: &generator)
            let expected = max(own.count, 5 + own.count - counts[step - back])
            #expect(own.corrected(5, heardAt: Self.heard(.seconds(Double(step - back)))) == expected)
        }
    }

    @Test("The router takes it for a kin, and its own live count for this node")
    func inTheRouter() {
        var router = Router()
        for number in 0..<3 {
            router.began(
                RequestID(rawValue: "\(number)"), at: Candidate(node: "kin", model: "m"), now: .seconds(2))
            router.began(
                RequestID(rawValue: "\(number)"), at: Candidate(node: "own", model: "m"), now: .seconds(2))
        }
        let decision = router.decide(
            RouteRequest(),
            among: [
                .sketch("own", isSelf: true, outstanding: 4, takenAt: .seconds(3)),
                .sketch("kin", outstanding: 4, takenAt: .seconds(1)),
            ], now: .seconds(3))
        #expect(decision.choices.map(\.candidate.node) == ["own", "kin"])
        #expect(decision.choices.map(\.estimate.outstanding) == [4, 7])
    }
}
