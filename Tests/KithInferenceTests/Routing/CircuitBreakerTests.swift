// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("Circuit breaker")
struct CircuitBreakerTests {
    private var breaker = CircuitBreaker()
    private var generator = SeededGenerator(seed: 7)

    @Test("Four failures in a row leave it closed, the fifth opens it for about five seconds")
    mutating func opensOnTheFifth() {
        for _ in 0..<4 { breaker.failed(now: .zero, using: &generator) }
        #expect(breaker.permission(now: .zero) == .granted)
        breaker.failed(now: .zero, using: &generator)
        guard case .refused(let until) = breaker.permission(now: .zero) else {
            Issue.record("the breaker is not open")
            return
        }
        #expect((MonotonicInstant.seconds(4)...MonotonicInstant.seconds(6)).contains(until))
    }

    @Test("It opens when more than half of the last minute's outcomes are failures")
    mutating func opensOnMostlyFailures() {
        for second in 0..<2 { breaker.succeeded(now: .seconds(Double(second))) }
        for second in 2..<4 { breaker.failed(now: .seconds(Double(second)), using: &generator) }
        breaker.succeeded(now: .seconds(4))
        for second in 5..<6 { breaker.failed(now: .seconds(Double(second)), using: &generator) }
        #expect(breaker.permission(now: .seconds(6)) == .granted)
        breaker.failed(now: .seconds(6), using: &generator)
        #expect(breaker.permission(now: .seconds(6)) != .granted)
    }

    @Test("Failures of more than a minute ago are forgotten")
    mutating func oldFailuresFade() {
        for second in 0..<2 { breaker.failed(now: .seconds(Double(second)), using: &generator) }
        breaker.succeeded(now: .seconds(70))
        for second in 71..<73 { breaker.failed(now: .seconds(Double(second)), using: &generator) }
        #expect(breaker.permission(now: .seconds(73)) == .granted)
    }

    @Test("After its pause it lets one probe through, whose success closes it")
    mutating func probeCloses() {
        for _ in 0..<5 { breaker.failed(now: .zero, using: &generator) }
        #expect(breaker.permission(now: .seconds(7)) == .probe)
        breaker.probeSent(now: .seconds(7))
        #expect(breaker.permission(now: .seconds(8)) == .refused(until: .seconds(67)))
        breaker.succeeded(now: .seconds(8))
        #expect(breaker.permission(now: .seconds(8)) == .granted)
    }

    @Test("It says how it stands: closed, open for its pause, half-open until a probe has told")
    mutating func conditions() {
        #expect(breaker.condition(now: .zero) == .closed)
        for _ in 0..<5 { breaker.failed(now: .zero, using: &generator) }
        #expect(breaker.condition(now: .seconds(1)) == .open)
        #expect(breaker.condition(now: .seconds(7)) == .halfOpen)
        breaker.probeSent(now: .seconds(7))
        #expect(breaker.condition(now: .seconds(8)) == .halfOpen)
        breaker.succeeded(now: .seconds(8))
        #expect(breaker.condition(now: .seconds(8)) == .closed)
    }

    @Test("Each failed probe doubles the pause, up to a minute")
    mutating func pausesGrow() {
        for _ in 0..<5 { breaker.failed(now: .zero, using: &generator) }
        var now = MonotonicInstant.zero
        var pauses: [Duration] = []
        for _ in 0..<8 {
            guard case .refused(let until) = breaker.permission(now: now) else { break }
            pauses.append(until - now)
            now = until
            breaker.probeSent(now: now)
            breaker.failed(now: now, using: &generator)
        }
        #expect(pauses.count == 8)
        let nominal: [Double] = [5, 10, 20, 40, 60, 60, 60, 60]
        for (pause, expected) in zip(pauses, nominal) {
            #expect(abs(pause.seconds - expected) <= expected * 0.2 + 0.001)
        }
    }

    @Test("A probe whose client left lets the next request probe")
    mutating func abandonedProbe() {
        for _ in 0..<5 { breaker.failed(now: .zero, using: &generator) }
        breaker.probeSent(now: .seconds(7))
        breaker.abandoned(now: .seconds(8))
        #expect(breaker.permission(now: .seconds(8)) == .probe)
    }
}
