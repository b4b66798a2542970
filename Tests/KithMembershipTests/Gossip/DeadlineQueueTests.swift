// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Testing

@Suite("What is due when")
struct DeadlineQueueTests {
    @Test("Nobody wakes for what nobody remembers, and nothing else is lost", arguments: 1...20 as ClosedRange<UInt64>)
    func dropEarliest(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = DeadlineQueue<Int>()
        var meant: [Int: MonotonicInstant] = [:]
        for key in 0..<200 {
            let deadline = MonotonicInstant(nanoseconds: Int64.random(in: 0..<1_000, using: &generator))
            queue.add(key, at: deadline)
            if Bool.random(using: &generator) { meant[key] = deadline }
        }
        queue.dropEarliest { meant[$0] == $1 }
        #expect(queue.earliest == meant.values.min(), "seed \(seed)")
        var taken: [Int: MonotonicInstant] = [:]
        while let due = queue.popDue(MonotonicInstant(nanoseconds: .max)) {
            if meant[due.key] == due.deadline { taken[due.key] = due.deadline }
        }
        #expect(taken == meant, "seed \(seed)")
    }
}
