// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting

/// Node 0 and its clock; what the others do is up to the test.
struct Observer {
    var value: Membership
    var now = MonotonicInstant.zero
    /// What was done at the start.
    private var first: [MembershipAction] = []

    /// - Parameter others: How many there are beside it, numbered from 1; all trusted.
    init(others: Int, seed: UInt64 = 1, settings: MembershipSettings = .lan) {
        value = Membership(
            id: .numbered(0), instance: .numbered(50), settings: settings, now: now,
            generator: SeededGenerator(seed: seed))
        first = value.setTrusted(Set((0...others).map { .numbered($0) }), now: now)
    }

    /// As ``init(others:seed:settings:)``, and each of them was met.
    static func met(others: Int, settings: MembershipSettings = .lan) -> Observer {
        var observer = Observer(others: others, settings: settings)
        for number in 1...others { _ = observer.answer(observer.first, for: number) }
        return observer
    }

    func state(_ number: Int) -> MemberState? { value.member(.numbered(number))?.state }

    @discardableResult
    mutating func hear(
        from number: Int, life: Int = 1, incarnation: UInt64 = 0, isLeaving: Bool = false,
        _ messages: [GossipMessage] = [], records: [MemberRecord] = [], as arrival: Membership.Arrival = .request
    ) -> [MembershipAction] {
        let header = GossipPacket.Header(
            instance: .numbered(life), incarnation: Incarnation(number: incarnation), isLeaving: isLeaving)
        let packet = GossipPacket(header: header, messages: messages, records: records)
        return value.received(packet, from: .numbered(number), as: arrival, now: now)
    }

    /// Lets time pass as the shell does: ticks when asked to.
    @discardableResult
    mutating func wait(_ duration: Duration) -> [MembershipAction] {
        let end = now + duration
        var actions: [MembershipAction] = []
        while value.nextWakeUp <= end {
            now = max(now, value.nextWakeUp)
            actions += value.tick(now: now)
        }
        now = end
        return actions
    }

    /// Waits until a member was tried, and for a while longer.
    mutating func waitAfterTry(_ number: Int) {
        while wait(.milliseconds(10)).pings(to: .numbered(number)).isEmpty, now < .seconds(10_000) {}
        wait(.milliseconds(1_100))
    }

    /// Answers all pings to one member among actions.
    mutating func answer(_ actions: [MembershipAction], for number: Int, incarnation: UInt64 = 0) -> [MembershipAction]
    {
        actions.pings(to: .numbered(number)).flatMap {
            hear(from: number, incarnation: incarnation, [.acknowledgement($0)], as: .response)
        }
    }
}

extension MemberRecord {
    static func saying(
        _ number: Int, _ state: MemberState, life: Int = 1, incarnation: UInt64 = 0, accusers: [Int] = []
    ) -> MemberRecord {
        MemberRecord(
            id: .numbered(number), instance: .numbered(life), incarnation: Incarnation(number: incarnation),
            state: state, accusers: accusers.map { .numbered($0) })
    }
}
