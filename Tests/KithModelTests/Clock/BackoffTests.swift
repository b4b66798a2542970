// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("Exponential backoff")
struct BackoffTests {
    private static let jittered = Backoff(initial: .milliseconds(500), maximum: .seconds(30), jitter: 0.5...1)

    @Test("Without jitter the steps double up to the maximum, exactly, and nothing is drawn")
    func steps() {
        var (generator, untouched) = (SeededGenerator(seed: 1), SeededGenerator(seed: 1))
        var backoff = Backoff(initial: .milliseconds(250), maximum: .seconds(3))
        let delays = (0..<6).map { _ in backoff.next(using: &generator) }
        #expect(delays == [0.25, 0.5, 1, 2, 3, 3].map { .milliseconds(Int($0 * 1_000)) })
        let (drawn, undrawn): (UInt64, UInt64) = (generator.next(), untouched.next())
        #expect(drawn == undrawn)
        #expect(backoff.next() == .seconds(3))
        #expect(backoff.count == 7)
    }

    @Test("With jitter each delay is its step times one number drawn from the range", arguments: [1, 2, 3] as [UInt64])
    func jitter(seed: UInt64) {
        var (generator, same) = (SeededGenerator(seed: seed), SeededGenerator(seed: seed))
        var backoff = Backoff(initial: .seconds(5), maximum: .seconds(60), jitter: 0.8...1.2)
        for step in [5, 10, 20, 40, 60, 60] {
            let delay = backoff.next(using: &generator)
            let factor = Double.random(in: 0.8...1.2, using: &same)
            #expect(delay == .seconds(step) * factor, "seed \(seed)")
            #expect(delay >= .seconds(step) * 0.8 && delay <= .seconds(step) * 1.2, "seed \(seed)")
        }
    }

    @Test("Begins anew after a reset")
    func reset() {
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(10))
        for _ in 0..<5 { _ = backoff.next() }
        backoff.reset()
        #expect(backoff.count == 0)
        #expect(backoff.next() == .seconds(1))
        #expect(backoff.next() == .seconds(2))
    }

    @Test("Gives whoever counts by themselves the same sequence")
    func counted() {
        var (generator, same) = (SeededGenerator(seed: 6), SeededGenerator(seed: 6))
        var backoff = Self.jittered
        for earlier in 0..<20 {
            let delay = Self.jittered.delay(after: earlier, using: &generator)
            let next = backoff.next(using: &same)
            #expect(delay == next, "after \(earlier)")
        }
        #expect(Self.jittered.step(after: -1) == .milliseconds(500))
        #expect(Self.jittered.step(after: .min) == .milliseconds(500))
    }

    @Test("Never overflows, however often something is tried again")
    func manyTries() {
        var generator = SeededGenerator(seed: 5)
        var backoff = Self.jittered
        for _ in 0..<10_000 { #expect(backoff.next(using: &generator) <= .seconds(30)) }
        #expect(Self.jittered.step(after: .max) == .seconds(30))
        let longest = Duration.seconds(Int64.max)
        #expect(Backoff(initial: .nanoseconds(1), maximum: longest).step(after: .max) == longest)
        #expect(Backoff(initial: longest - .seconds(1), maximum: longest).step(after: 1) == longest)
        #expect(Backoff(initial: .zero, maximum: longest).step(after: .max) == .zero)
    }

    @Test("A first step above the maximum is held to it")
    func firstStepAboveMaximum() {
        #expect(Backoff(initial: .seconds(9), maximum: .seconds(4)).step(after: 0) == .seconds(4))
    }

    @Test("Differs between nodes that fail together")
    func differs() {
        let delays = (1...8 as ClosedRange<UInt64>).map { seed in
            var generator = SeededGenerator(seed: seed)
            var backoff = Self.jittered
            return backoff.next(using: &generator)
        }
        #expect(Set(delays).count == 8)
    }
}
