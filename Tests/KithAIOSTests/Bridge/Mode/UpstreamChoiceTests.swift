// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithModel
import KithTesting
import Testing

@Suite("Upstreams, chosen")
struct UpstreamChoiceTests {
    private let first = UpstreamID.cell(0)
    private let second = UpstreamID.cell(1)

    @Test("Of equals the first is asked, and while it is busy the second")
    func ties() {
        var selector = UpstreamSelector.up([first, second])
        #expect(selector.best(now: .zero)?.id == first)
        let ticket = selector.began(first, now: .zero)
        #expect(selector.best(now: .zero)?.id == second)
        _ = selector.ended(ticket, .abandoned, now: .zero)
        #expect(selector.best(now: .zero)?.id == first)
    }

    @Test("The quicker is asked, and the one whose level is higher")
    func cost() {
        var selector = UpstreamSelector.up([first, second])
        selector.answer(first, after: .seconds(2))
        selector.answer(second, after: .seconds(1))
        #expect(selector.best(now: .zero)?.id == second)
        var strong = UpstreamHealth.sample
        strong.level = 10
        _ = selector.probed(first, .success(strong), now: .zero)
        #expect(selector.best(now: .zero)?.id == first)
    }

    @Test("A level of nothing is a small weight, and no division by zero")
    func zero() {
        var selector = UpstreamSelector.up([first])
        var weak = UpstreamHealth.sample
        weak.level = 0
        _ = selector.probed(first, .success(weak), now: .zero)
        #expect(selector.best(now: .zero)?.id == first)
    }

    @Test("Nobody is asked who is down, unknown, or was tried for this request")
    func excluded() {
        var selector = UpstreamSelector.up([first])
        _ = selector.set([first, second], now: .zero)
        #expect(selector.best(excluding: [first], now: .zero) == nil)
        _ = selector.probed(first, .failure(.refused), now: .zero)
        #expect(selector.best(now: .zero) == nil)
    }

    @Test("One that refuses connections is down at once")
    func unreachable() {
        var selector = UpstreamSelector.up([first])
        let ticket = selector.began(first, now: .zero + .milliseconds(1))
        let actions = selector.ended(ticket, .failed(.refused), now: .zero + .milliseconds(2))
        #expect(actions == [.wentDown(first, "refused"), .mode(.degraded, reason: "refused")])
        #expect(selector.nextProbe == .zero + .milliseconds(502))
    }

    @Test("A connection that failed after the upstream had answered for its health does not make it down")
    func later() {
        var selector = UpstreamSelector.up([first])
        let ticket = selector.began(first, now: .zero + .milliseconds(1))
        _ = selector.probed(first, .success(.sample), now: .zero + .milliseconds(500))
        _ = selector.ended(ticket, .failed(.refused), now: .zero + .seconds(1))
        #expect(selector[first]?.state == .up)
    }

    @Test("Whoever answers rubbish is set aside, each time for longer, never for more than a minute")
    func aside() {
        var selector = UpstreamSelector.up([first, second])
        var now = MonotonicInstant.zero
        var pauses: [Duration] = []
        for _ in 0..<9 {
            let ticket = selector.began(first, now: now)
            for case .setAside(first, "HTML", let pause) in selector.ended(ticket, .failed(.html), now: now) {
                pauses.append(pause)
                #expect(selector.best(now: now)?.id == second)
                #expect(selector.best(excluding: [second], now: now + (pause - .milliseconds(1))) == nil)
                now = now + pause
                #expect(selector.best(excluding: [second], now: now)?.id == first)
            }
        }
        #expect(pauses.map { Int($0.seconds) } == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    }

    @Test("With the only one set aside the bridge is degraded until its time has passed")
    func asideMode() {
        var selector = UpstreamSelector.up([first])
        let ticket = selector.began(first, now: .zero)
        #expect(selector.ended(ticket, .failed(.html), now: .zero).contains(.mode(.degraded, reason: "HTML")))
        #expect(selector.tick(now: .zero + .milliseconds(999)).isEmpty)
        #expect(selector.tick(now: .zero + .seconds(1)) == [.mode(.healthy, reason: nil)])
    }

    @Test("After that one request finds out whether its answers are good again")
    func trial() {
        var selector = UpstreamSelector.up([first])
        _ = selector.ended(selector.began(first, now: .zero), .failed(.html), now: .zero)
        let later = MonotonicInstant.zero + .seconds(1)
        let trial = selector.began(first, now: later)
        #expect(selector.best(now: later) == nil)
        _ = selector.ended(trial, .answered(after: nil), now: later)
        #expect(selector.best(now: later)?.id == first)
        #expect(selector[first]?.badAnswers == 0)
    }

    @Test("Requests that were under way when it was set aside count neither for it nor against it")
    func underWay() {
        var selector = UpstreamSelector.up([first])
        let tickets = (0..<5).map { _ in selector.began(first, now: .zero) }
        let now = MonotonicInstant.zero + .milliseconds(1)
        let actions = tickets[..<4].flatMap { selector.ended($0, .failed(.html), now: now) }
        #expect(actions.count { if case .setAside = $0 { true } else { false } } == 1)
        _ = selector.ended(tickets[4], .answered(after: nil), now: now)
        #expect(selector.best(now: now) == nil)
        #expect(selector[first]?.badAnswers == 1)
    }

    @Test("A request that the upstream calls wrong is not its fault")
    func wrongRequest() {
        var selector = UpstreamSelector.up([first])
        _ = selector.ended(selector.began(first, now: .zero), .failed(UpstreamError(.refused, "422")), now: .zero)
        #expect(selector.best(now: .zero)?.id == first)
    }

    @Test("A broken connection has the upstream asked for its health at once")
    func broken() {
        var selector = UpstreamSelector.up([first])
        let now = MonotonicInstant.zero + .milliseconds(10)
        _ = selector.ended(selector.began(first, now: .zero), .failed(UpstreamError(.interrupted, "broke")), now: now)
        #expect(selector.nextProbe.map { $0 <= now } == true)
    }

    @Test("Down and up again, it begins anew")
    func anew() {
        var selector = UpstreamSelector.up([first])
        _ = selector.ended(selector.began(first, now: .zero), .failed(.html), now: .zero)
        _ = selector.probed(first, .failure(.refused), now: .zero)
        #expect(selector.probed(first, .success(.sample), now: .zero).contains(.mode(.healthy, reason: nil)))
        #expect(selector.best(now: .zero)?.id == first)
    }

    @Test(
        "Whatever happens, only those are asked that are up and not set aside, and all that began is counted off",
        arguments: 1...200 as ClosedRange<UInt64>)
    func anything(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let ids = [UpstreamID.cell(0), .cell(1), .kin(3)]
        var (selector, now) = (UpstreamSelector.up(ids), MonotonicInstant.zero)
        var tickets: [UpstreamSelector.Ticket] = []
        for _ in 0..<500 {
            now = now + .milliseconds(Int.random(in: 0...400, using: &generator))
            switch Int.random(in: 0..<5, using: &generator) {
            case 0, 1:
                guard let best = selector.best(now: now) else { continue }
                #expect(best.isAvailable(now: now) && best.state == .up, "seed \(seed)")
                tickets.append(selector.began(best.id, now: now))
            case 2 where !tickets.isEmpty:
                let ticket = tickets.remove(at: Int.random(in: tickets.indices, using: &generator))
                _ = selector.ended(ticket, Self.outcome(using: &generator), now: now)
            case 3:
                let present = ids.filter { _ in Int.random(in: 0..<8, using: &generator) > 0 }
                _ = selector.set(present, now: now)
            default:
                for id in selector.takeProbes(now: now) {
                    let isUp = Bool.random(using: &generator)
                    _ = selector.probed(id, isUp ? .success(.sample) : .failure(.refused), now: now)
                }
            }
            let outstanding = selector.entries.reduce(0) { $0 + $1.outstanding }
            #expect(outstanding <= tickets.count, "seed \(seed)")
            _ = selector.tick(now: now)
            #expect(
                (selector.mode == .healthy) == selector.entries.contains { $0.isAvailable(now: now) }, "seed \(seed)")
        }
        for ticket in tickets { _ = selector.ended(ticket, .abandoned, now: now) }
        #expect(selector.entries.allSatisfy { $0.outstanding == 0 }, "seed \(seed)")
    }

    private static func outcome(using generator: inout SeededGenerator) -> UpstreamSelector.Outcome {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: .answered(after: .milliseconds(Int.random(in: 0...5_000, using: &generator)))
        case 1: .abandoned
        default:
            .failed(
                UpstreamError(UpstreamError.Kind.allCases.randomElement(using: &generator) ?? .silent, "so"))
        }
    }
}

extension UpstreamSelector {
    fileprivate mutating func answer(_ id: UpstreamID, after time: Duration) {
        _ = ended(began(id, now: .zero), .answered(after: time), now: .zero)
    }
}
