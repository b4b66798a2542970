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
        var backoff = Backoff.ofRestarts
        for step in [0.5, 1, 2, 4, 8, 16, 30, 30, 30] {
            let delay = backoff.next(afterReadyFor: .zero, using: &generator).seconds
            #expect(delay >= step / 2 && delay <= step)
        }
        #expect(backoff.count == 9)
    }

    @Test("Begins anew after the process has run well for a while")
    func forgets() {
        var generator = SeededGenerator(seed: 4)
        var backoff = Backoff.ofRestarts
        for _ in 0..<6 { _ = backoff.next(afterReadyFor: .seconds(1), using: &generator) }
        #expect(backoff.next(afterReadyFor: .seconds(60), using: &generator) <= .milliseconds(500))
        #expect(backoff.count == 1)
    }
}
