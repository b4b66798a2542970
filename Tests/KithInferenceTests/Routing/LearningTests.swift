// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

@Suite("What routing learns")
struct LearningTests {
    @Test("Until five first tokens were timed the limit is that for the unknown")
    func unknownLimit() {
        var window = LatencyWindow()
        for _ in 0..<4 { window.add(.seconds(1)) }
        #expect(window.firstTokenLimit == ChatRequest.unknownFirstTokenLimit)
    }

    @Test("The limit is three times the slowest percent, and never under ten seconds")
    func adaptiveLimit() {
        var window = LatencyWindow()
        for _ in 0..<100 { window.add(.milliseconds(100)) }
        #expect(window.firstTokenLimit == .seconds(10))
        for _ in 0..<5 { window.add(.seconds(8)) }
        #expect(window.firstTokenLimit == .seconds(24))
    }

    @Test("The window forgets: old slowness does not excuse new hanging")
    func windowForgets() {
        var window = LatencyWindow()
        for _ in 0..<LatencyWindow.capacity { window.add(.seconds(60)) }
        for _ in 0..<LatencyWindow.capacity { window.add(.seconds(1)) }
        #expect(window.firstTokenLimit == .seconds(10))
    }
}
