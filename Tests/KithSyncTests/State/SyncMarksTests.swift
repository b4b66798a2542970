// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing
@testable import KithSync

@Suite("How long a kin has lacked what it lacks")
struct SyncMarksTests {
    private func versions(_ count: UInt64) throws -> VersionVector {
        VersionVector([Replica(node: try TestID.make(1), epoch: 1): count])
    }

    private func at(_ seconds: Double) -> MonotonicInstant { .zero + .seconds(seconds) }

    @Test("It counts from the oldest write that is lacking, and is nothing when none is")
    func oldest() throws {
        var marks = SyncMarks(try versions(1), now: at(0))
        #expect(marks.lag(of: try versions(1), now: at(50)) == .zero)
        #expect(marks.lag(of: VersionVector(), now: at(50)) == .seconds(50))
        marks.note(try versions(2), now: at(10))
        marks.note(try versions(3), now: at(20))
        #expect(marks.lag(of: try versions(1), now: at(25)) == .seconds(15))
        #expect(marks.lag(of: try versions(2), now: at(25)) == .seconds(5))
        #expect(marks.lag(of: try versions(3), now: at(25)) == .zero)
        #expect(marks.lag(of: try versions(9), now: at(25)) == .zero)
    }

    @Test("What is written at once is one moment, that of the first")
    func gathering() throws {
        var marks = SyncMarks(try versions(1), now: at(0))
        for number in 2...100 { marks.note(try versions(UInt64(number)), now: at(5 + Double(number) / 1_000)) }
        #expect(marks.lag(of: try versions(1), now: at(6)) == at(6) - at(5.002))
        #expect(marks.lag(of: try versions(99), now: at(6)) == at(6) - at(5.002))
    }

    @Test("However much is written, the time is never longer than it is, and little shorter")
    func bounded() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var marks = SyncMarks(try versions(0), now: at(0))
        var (now, times) = (0.0, [0.0])
        for number in 1...2_000 {
            now += Double.random(in: 0.3...3, using: &generator)
            times.append(now)
            marks.note(try versions(UInt64(number)), now: at(now))
        }
        for known in stride(from: 0, to: 2_000, by: 37) {
            let lag = marks.lag(of: try versions(UInt64(known)), now: at(now)).seconds
            let exact = now - times[known + 1]
            #expect(lag <= exact + 0.001)
            // The last half of what is remembered is remembered exactly.
            if known >= 2_000 - SyncMarks.capacity / 2 { #expect(lag >= exact - 0.001) }
        }
    }
}
