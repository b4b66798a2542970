// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("The backoff of restarts")
struct RestartBackoffTests {
    @Test("Doubles up to its cap, and takes between half and the whole of each step", arguments: [1, 2, 3] as [UInt64])
    func doubles(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var backoff = RestartBackoff()
        for step in [0.5, 1, 2, 4, 8, 16, 30, 30, 30] {
            let delay = backoff.delay(afterReadyFor: .zero, using: &generator).seconds
            #expect(delay >= step / 2 && delay <= step)
        }
        #expect(backoff.restarts == 9)
    }

    @Test("Begins anew after the process has run well for a while")
    func forgets() {
        var generator = SeededGenerator(seed: 4)
        var backoff = RestartBackoff()
        for _ in 0..<6 { _ = backoff.delay(afterReadyFor: .seconds(1), using: &generator) }
        #expect(backoff.delay(afterReadyFor: .seconds(60), using: &generator) <= .milliseconds(500))
        #expect(backoff.restarts == 1)
    }

    @Test("Never overflows, however often a process is restarted")
    func manyRestarts() {
        var generator = SeededGenerator(seed: 5)
        var backoff = RestartBackoff()
        for _ in 0..<10_000 { #expect(backoff.delay(afterReadyFor: .zero, using: &generator) <= .seconds(30)) }
    }

    @Test("Differs between nodes that restart together")
    func jitter() {
        let delays = (1...8 as ClosedRange<UInt64>).map { seed in
            var generator = SeededGenerator(seed: seed)
            var backoff = RestartBackoff()
            return backoff.delay(afterReadyFor: .zero, using: &generator)
        }
        #expect(Set(delays).count == 8)
    }
}
