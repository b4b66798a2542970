// SPDX-License-Identifier: Apache-2.0

import KithTesting
import Testing

@testable import KithModel

@Suite("Sleeping for about a time")
struct SleepForAboutTests {
    private func end(_ now: Double, _ duration: Double) -> MonotonicInstant {
        ManualClock.wholeSecond(nearest: .zero + .seconds(now), plus: .seconds(duration))
    }

    @Test("A time of seconds ends at the whole second that is nearest, and never now")
    func nearest() {
        #expect(end(0, 2) == .zero + .seconds(2))
        #expect(end(10.001, 2) == .zero + .seconds(12))
        #expect(end(9.6, 2) == .zero + .seconds(12))
        #expect(end(9.4, 2) == .zero + .seconds(11))
        #expect(end(9.5, 5) == .zero + .seconds(15))
        for step in 0..<100 {
            let now = MonotonicInstant.zero + .milliseconds(10 * step)
            #expect(ManualClock.wholeSecond(nearest: now, plus: .seconds(1)) > now)
        }
    }

    @Test("A shorter one is kept as it is")
    func short() {
        #expect(end(9.5, 0.25) == .zero + .seconds(9.75))
        #expect(end(9.5, 0.75) == .zero + .seconds(10.25))
    }
}
