// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

@Suite("What routing learns")
struct LearningTests {
    @Test("The first sample is taken as it is, later ones move the mean by a fifth")
    func ewma() {
        var service = ServiceTime()
        #expect(service.mean == nil)
        service.succeeded(after: .seconds(10), now: .zero)
        #expect(service.mean == .seconds(10))
        service.succeeded(after: .seconds(5), now: .zero)
        #expect(abs((service.mean ?? .zero).seconds - 9) < 1e-6)
    }

    @Test("What nobody has tried is assumed to be as good as the best")
    func optimism() {
        #expect(ServiceTime().estimate(now: .zero, best: .seconds(2)) == .seconds(2))
    }

    @Test("A mean is believed more with each sample, and half as much every ten seconds without one")
    func belief() {
        var service = ServiceTime()
        service.succeeded(after: .seconds(9), now: .zero)
        #expect(abs(service.estimate(now: .zero, best: .seconds(1)).seconds - 3) < 1e-6)
        for _ in 0..<97 * 3 - 1 { service.succeeded(after: .seconds(9), now: .zero) }
        #expect(abs(service.estimate(now: .zero, best: .seconds(1)).seconds - 9) < 0.1)
        #expect(abs(service.estimate(now: .seconds(10), best: .seconds(1)).seconds - 5) < 0.1)
        #expect(abs(service.estimate(now: .seconds(3_600), best: .seconds(1)).seconds - 1) < 1e-6)
    }

    @Test("A failure's penalty halves every ten seconds and vanishes")
    func penaltyFades() {
        var service = ServiceTime()
        service.failed(now: .zero)
        func penalty(after seconds: Double) -> Double {
            service.estimate(now: .seconds(seconds), best: .zero).seconds
        }
        #expect(abs(penalty(after: 0) - 30) < 1e-6)
        #expect(abs(penalty(after: 10) - 15) < 1e-6)
        #expect(abs(penalty(after: 20) - 7.5) < 1e-6)
        #expect(penalty(after: 600) == 0)
    }

    @Test("Many failures at once cost no more than four")
    func penaltyIsBounded() {
        var service = ServiceTime()
        for _ in 0..<1_000 { service.failed(now: .zero) }
        #expect(service.estimate(now: .zero, best: .zero) == .seconds(120))
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
