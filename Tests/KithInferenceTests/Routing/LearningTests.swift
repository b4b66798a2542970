// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

@Suite("What routing learns")
struct LearningTests {
    @Test("The first sample is taken as it is, later ones move the mean by a fifth")
    func ewma() {
        var service = ServiceTime()
        #expect(service.estimate(now: .zero) == ServiceTime.prior)
        service.succeeded(after: .seconds(10))
        #expect(service.estimate(now: .zero) == .seconds(10))
        service.succeeded(after: .seconds(5))
        #expect(abs(service.estimate(now: .zero).seconds - 9) < 1e-6)
    }

    @Test("A failure's penalty halves every ten seconds and vanishes")
    func penaltyFades() {
        var service = ServiceTime()
        service.failed(now: .zero)
        #expect(service.estimate(now: .zero) == ServiceTime.prior + .seconds(30))
        #expect(abs(service.estimate(now: .seconds(10)).seconds - 16) < 1e-6)
        #expect(abs(service.estimate(now: .seconds(20)).seconds - 8.5) < 1e-6)
        #expect(service.estimate(now: .seconds(600)) == ServiceTime.prior)
    }

    @Test("Many failures at once cost no more than four")
    func penaltyIsBounded() {
        var service = ServiceTime()
        for _ in 0..<1_000 { service.failed(now: .zero) }
        #expect(service.estimate(now: .zero) == ServiceTime.prior + .seconds(120))
    }

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
