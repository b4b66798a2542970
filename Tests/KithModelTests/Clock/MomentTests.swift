// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite("Moments")
struct MomentTests {
    @Test("Adding a duration beyond the end of time stops at the end of time")
    func saturates() {
        #expect(Moment(nanoseconds: .max - 1).advanced(by: .seconds(1)) == Moment(nanoseconds: .max))
        #expect(Moment(nanoseconds: .min + 1).advanced(by: .seconds(-1)) == Moment(nanoseconds: .min))
        #expect(Moment.zero.advanced(by: .seconds(Int64.max)) == Moment(nanoseconds: .max))
    }

    @Test("The distance between two moments is what was added")
    func distance() {
        let start = Moment(nanoseconds: 5)
        #expect(start + .milliseconds(3) - start == .milliseconds(3))
    }
}
