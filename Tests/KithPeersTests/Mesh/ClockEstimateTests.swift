// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing
@testable import KithPeers

@Suite("How far another node's clock is off")
struct ClockEstimateTests {
    private func estimate(offset: Int64, roundTrip: Duration, at seconds: Double) -> ClockEstimate {
        let ours = WallTime(milliseconds: 1_000_000)
        // Half of the round trip has passed since the other looked at its clock.
        let theirs = ours.advanced(by: .milliseconds(offset) - roundTrip / 2)
        return ClockEstimate(theirs: theirs, ours: ours, roundTrip: roundTrip, now: .zero + .seconds(seconds))
    }

    @Test("It is theirs less ours, with half the way there and back")
    func difference() {
        #expect(estimate(offset: 5_000, roundTrip: .milliseconds(40), at: 0).offset == .seconds(5))
        #expect(estimate(offset: -250, roundTrip: .zero, at: 0).offset == .milliseconds(-250))
    }

    @Test("The quickest exchange of the last time counts")
    func quickest() {
        let quick = estimate(offset: 100, roundTrip: .milliseconds(2), at: 0)
        let slow = estimate(offset: 900, roundTrip: .seconds(1), at: 1)
        #expect(quick.updated(by: slow).offset == quick.offset)
        #expect(slow.updated(by: quick).offset == quick.offset)
        let later = estimate(offset: 900, roundTrip: .seconds(1), at: 31)
        #expect(quick.updated(by: later).offset == later.offset)
    }

    @Test("A clock that shows nonsense gives a number, and no fault", arguments: [Int64.min, .max, 0])
    func nonsense(milliseconds: Int64) {
        let estimate = ClockEstimate(
            theirs: WallTime(milliseconds: milliseconds), ours: .now(), roundTrip: .milliseconds(1), now: .zero)
        #expect(abs(estimate.offset.seconds) >= 0)
    }
}
