// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite("Moments")
struct MonotonicInstantTests {
    @Test("Adding a duration beyond the end of time stops at the end of time")
    func saturates() {
        #expect(
            MonotonicInstant(nanoseconds: .max - 1).advanced(by: .seconds(1)) == MonotonicInstant(nanoseconds: .max))
        #expect(
            MonotonicInstant(nanoseconds: .min + 1).advanced(by: .seconds(-1)) == MonotonicInstant(nanoseconds: .min))
        #expect(MonotonicInstant.zero.advanced(by: .seconds(Int64.max)) == MonotonicInstant(nanoseconds: .max))
    }

    @Test("The distance between two moments is what was added")
    func distance() {
        let start = MonotonicInstant(nanoseconds: 5)
        #expect(start + .milliseconds(3) - start == .milliseconds(3))
    }
}
