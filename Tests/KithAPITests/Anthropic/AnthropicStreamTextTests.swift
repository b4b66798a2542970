// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing
@testable import KithAPI

@Suite("Silence in a stream of Anthropic's dialect")
struct AnthropicStreamTextTests {
    @Test("Each silence is a comment, and a ping comes no more often than every forty seconds")
    func pings() {
        var text = AnthropicStreamText(AnthropicAnswerHeader(id: "msg_1", model: "m"))
        let start = MonotonicClock().now
        var pings: [Int] = []
        for seconds in stride(from: 1, through: 126, by: 5) {
            var bytes: [UInt8] = []
            text.append(silence: "queued", now: start + .seconds(seconds), to: &bytes)
            let said = String(decoding: bytes, as: UTF8.self)
            #expect(said.hasPrefix(": queued\n\n"))
            if said.contains("event: ping\n") { pings.append(seconds) }
        }
        #expect(pings == [41, 81, 121])
    }
}
