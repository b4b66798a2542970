// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import Testing

@Suite("When machines are woken")
struct WakeLedgerTests {
    private let desk = NodeID.numbered(1)
    private let minute = Duration.seconds(60)

    private func at(_ seconds: Int) -> MonotonicInstant { .zero + .seconds(seconds) }

    @Test("However many prompts want a machine, it is woken once")
    func once() {
        var ledger = WakeLedger()
        #expect(ledger.want(desk, for: minute, now: at(0)) == .begin(until: at(60)))
        for second in [0, 1, 59] {
            #expect(ledger.want(desk, for: minute, now: at(second)) == .underWay(until: at(60)))
        }
        #expect(ledger.want(.numbered(2), for: minute, now: at(1)) == .begin(until: at(61)))
    }

    @Test("One that did not come is left alone for a while that doubles, an hour at most")
    func growing() {
        var ledger = WakeLedger()
        var now = at(0)
        var pauses: [Double] = []
        for _ in 0..<9 {
            guard case .begin(let until) = ledger.want(desk, for: minute, now: now),
                case .later(let next) = ledger.want(desk, for: minute, now: until)
            else { return #expect(Bool(false), "not woken at \(now)") }
            #expect(ledger.want(desk, for: minute, now: next.advanced(by: .nanoseconds(-1))) == .later(next))
            pauses.append((next - until).seconds)
            now = next
        }
        #expect(pauses == [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600])
    }

    @Test("What would become of a wish can be asked without having it")
    func outlook() {
        var ledger = WakeLedger()
        #expect(ledger.outlook(for: desk, now: at(0)) == .free)
        _ = ledger.want(desk, for: minute, now: at(5))
        #expect(ledger.outlook(for: desk, now: at(64)) == .underWay(begun: at(5)))
        #expect(ledger.outlook(for: desk, now: at(65)) == .later)
        #expect(ledger.outlook(for: desk, now: at(124)) == .later)
        #expect(ledger.outlook(for: desk, now: at(125)) == .free)
    }

    @Test("Its return ends that, and says how long it took")
    func returned() {
        var ledger = WakeLedger()
        #expect(ledger.returned(desk, now: at(0)) == nil)
        _ = ledger.want(desk, for: minute, now: at(10))
        #expect(ledger.returned(desk, now: at(18)) == .seconds(8))
        #expect(ledger.want(desk, for: minute, now: at(20)) == .begin(until: at(80)))
        #expect(ledger.returned(desk, now: at(100)) == .seconds(80), "also when nobody waits for it any more")
    }

    @Test("The owner is not held back by earlier failures, and joins a waking that is under way")
    func owner() {
        var ledger = WakeLedger()
        _ = ledger.want(desk, for: minute, now: at(0))
        #expect(ledger.wantAtOnce(desk, for: minute, now: at(1)) == .underWay(until: at(60)))
        #expect(ledger.want(desk, for: minute, now: at(61)) == .later(at(120)))
        #expect(ledger.wantAtOnce(desk, for: minute, now: at(61)) == .begin(until: at(121)))
    }

    @Test("A prompt waits twice the usual time, ten seconds at least, and never longer than the owner allows")
    func wait() {
        #expect(WakeLedger.wait(limit: minute, usual: nil) == minute)
        #expect(WakeLedger.wait(limit: minute, usual: .seconds(8)) == .seconds(16))
        #expect(WakeLedger.wait(limit: minute, usual: .seconds(1)) == .seconds(10))
        #expect(WakeLedger.wait(limit: minute, usual: .seconds(50)) == minute)
        #expect(WakeLedger.wait(limit: .seconds(5), usual: .seconds(1)) == .seconds(5))
    }

    @Test("A waking for which nothing could be sent is none, and takes nothing of another one")
    func takenBack() {
        var ledger = WakeLedger()
        #expect(ledger.wantAtOnce(.numbered(1), for: minute, now: at(0)) == .begin(until: at(60)))
        ledger.takeBack(.numbered(1), begun: at(1))
        #expect(ledger.want(.numbered(1), for: minute, now: at(2)) == .underWay(until: at(60)))
        ledger.takeBack(.numbered(1), begun: at(0))
        #expect(ledger.want(.numbered(1), for: minute, now: at(3)) == .begin(until: at(63)))
    }

    @Test("It remembers a bounded number of machines, and wakes no more at once")
    func bounded() {
        var ledger = WakeLedger()
        for number in 0..<1_024 { _ = ledger.want(.numbered(number), for: minute, now: at(0)) }
        #expect(ledger.want(.numbered(5_000), for: minute, now: at(0)) == .later(at(60)))
        #expect(ledger.want(.numbered(5_000), for: minute, now: at(4_000)) == .begin(until: at(4_060)))
    }
}
