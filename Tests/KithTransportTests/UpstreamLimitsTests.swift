// SPDX-License-Identifier: Apache-2.0

import KithTransport
import Testing

@Suite("Limits of a request")
struct UpstreamLimitsTests {
    @Test("One silence counts before the answer and in the middle of it, and leaves the rest as it is")
    func silence() {
        let usual = UpstreamLimits()
        let limits = UpstreamLimits(silence: .seconds(7), bodyBytes: 12)
        #expect(limits.firstByte == .seconds(7))
        #expect(limits.stall == .seconds(7))
        #expect(limits.connect == usual.connect)
        #expect(limits.bodyBytes == 12)
        #expect(UpstreamLimits(silence: .seconds(7)).bodyBytes == usual.bodyBytes)
        #expect(UpstreamLimits(connect: .seconds(1), silence: .seconds(7)).connect == .seconds(1))
    }
}
