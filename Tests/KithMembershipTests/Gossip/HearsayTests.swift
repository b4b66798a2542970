// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import Testing

@Suite("What hearsay does and does not do")
struct HearsayTests {
    /// The member stays silent until it counts as dead.
    private func withDead(_ number: Int) -> Observer {
        var observer = Observer.met(others: 3)
        for _ in 0..<40 where observer.state(number) != .dead {
            let actions = observer.wait(.milliseconds(500))
            for other in 1...3 where other != number { _ = observer.answer(actions, for: other) }
        }
        return observer
    }

    @Test("A member that is only talked about is not alive, but is tried at once")
    func unknown() {
        var observer = Observer(others: 2)
        observer.wait(.seconds(1_200))
        observer.hear(from: 1)
        observer.waitAfterTry(2)
        let actions = observer.hear(from: 1, records: [.saying(2, .alive)])
        #expect(actions.pings(to: .numbered(2)).count == 1)
        #expect(observer.state(2) == .unknown)
        _ = observer.answer(actions, for: 2)
        #expect(observer.state(2) == .alive)
    }

    @Test("Only direct contact brings the dead back, hearsay makes them tried at once", arguments: [0, 5])
    func dead(incarnation: UInt64) {
        var observer = withDead(2)
        #expect(observer.state(2) == .dead)
        observer.wait(.seconds(1_200))
        observer.waitAfterTry(2)
        let actions = observer.hear(from: 1, records: [.saying(2, .alive, incarnation: incarnation)])
        #expect(observer.state(2) == .dead)
        #expect(actions.pings(to: .numbered(2)).count == 1)
        let back = observer.hear(from: 2, incarnation: incarnation)
        #expect(observer.state(2) == .alive)
        #expect(back.kinds(of: .numbered(2)) == [.returned])
    }

    @Test("Who was dead is told, so that it can contradict")
    func toldOfDeath() {
        var observer = withDead(2)
        let reply = observer.hear(from: 2, [.ping(SequenceNumber(number: 1))]).reply
        #expect(reply?.records.first { $0.id == .numbered(2) }?.state == .dead)
        let after = observer.hear(from: 2, incarnation: 1, [.ping(SequenceNumber(number: 2))]).reply
        #expect(after?.records.contains { $0.id == .numbered(2) && $0.state != .alive } == false)
        #expect(observer.value.member(.numbered(2))?.incarnation.number == 1)
    }

    @Test("A death that is told is believed when a probe of its own fails too")
    func deathConfirmed() {
        var observer = Observer.met(others: 3)
        let actions = observer.hear(from: 1, records: [.saying(2, .dead)])
        #expect(observer.state(2) == .alive)
        #expect(actions.pings(to: .numbered(2)).count == 1)
        let later = observer.wait(.milliseconds(510))
        #expect(observer.state(2) == .dead)
        #expect(later.kinds(of: .numbered(2)) == [.died(.reported)])
    }

    @Test("A death that is told is not believed when the member answers, and the member hears of it")
    func deathContradicted() {
        var observer = Observer.met(others: 3)
        let actions = observer.hear(from: 1, records: [.saying(2, .dead)])
        #expect(actions.packets(to: .numbered(2)).first?.records.first?.state == .dead)
        _ = observer.answer(actions, for: 2, incarnation: 1)
        observer.wait(.milliseconds(600))
        #expect(observer.state(2) == .alive)
    }

    @Test(
        "A node that hears that it is suspected, or worse, contradicts", arguments: [MemberState.suspect, .dead, .left])
    func refutes(state: MemberState) {
        var observer = Observer.met(others: 2)
        let own = MemberRecord(
            id: .numbered(0), instance: .numbered(50), incarnation: Incarnation(number: 3), state: state)
        let reply = observer.hear(from: 1, [.ping(SequenceNumber(number: 1))], records: [own]).reply
        #expect(reply?.header.incarnation.number == 4)
    }

    @Test("What is said of an earlier life is none of its business")
    func earlierLife() {
        var observer = Observer.met(others: 2)
        observer.hear(from: 1, records: [.saying(0, .dead, life: 49, incarnation: 9)])
        #expect(observer.value.incarnation == .first)
    }

    @Test("Made-up incarnations neither stick nor stop it", arguments: [1_000, 1 << 60, UInt64.max])
    func madeUp(incarnation: UInt64) {
        var observer = Observer.met(others: 2)
        for _ in 0..<50 {
            observer.hear(
                from: 1,
                records: [
                    .saying(0, .suspect, life: 50, incarnation: incarnation),
                    .saying(2, .suspect, incarnation: incarnation), .saying(2, .alive, incarnation: incarnation),
                ])
        }
        #expect(observer.value.incarnation.number > 0)
        #expect((observer.value.member(.numbered(2))?.incarnation.number ?? .max) <= 1_000)
        observer.hear(from: 2, incarnation: 7)
        #expect(observer.value.member(.numbered(2))?.incarnation.number == 7)
        #expect(observer.state(2) == .alive)
    }

    @Test("A made-up later life or version is set right by the member itself")
    func madeUpLife() {
        var observer = Observer.met(others: 2)
        var record = MemberRecord.saying(2, .alive)
        record.declaration = NodeMetadata(version: 90_000, payload: [6, 6, 6])
        record.declarationVersion = 90_000
        observer.hear(from: 1, records: [record, .saying(2, .dead, life: 9_999_999)])
        observer.wait(.milliseconds(510))
        #expect(observer.state(2) == .dead)
        var own = MemberRecord.saying(2, .alive)
        own.declaration = NodeMetadata(version: 2, payload: [1])
        own.declarationVersion = 2
        observer.hear(from: 2, records: [own])
        #expect(observer.state(2) == .alive)
        #expect(observer.value.member(.numbered(2))?.payload == [1])
        #expect(observer.value.member(.numbered(2))?.instance == .numbered(1))
    }

    @Test("Strangers are no members, whoever talks of them, and are not answered")
    func strangers() {
        var observer = Observer.met(others: 2)
        #expect(observer.hear(from: 77, [.ping(SequenceNumber(number: 1))]).isEmpty)
        observer.hear(
            from: 1, [.pingRequest(SequenceNumber(number: 1), target: .numbered(78))], records: [.saying(79, .alive)])
        #expect(observer.value.members.map(\.id) == [.numbered(1), .numbered(2)])
        #expect(observer.wait(.seconds(20)).packets(to: .numbered(79)).isEmpty)
    }

    @Test("Who is trusted no more is dropped at once")
    func removal() {
        var observer = Observer.met(others: 3)
        let actions = observer.value.setTrusted([.numbered(1)], now: observer.now)
        #expect(actions.kinds(of: .numbered(2)) == [.removed])
        #expect(observer.value.members.map(\.id) == [.numbered(1)])
        observer.hear(from: 1, records: [.saying(2, .alive), .saying(3, .suspect)])
        #expect(observer.hear(from: 2, [.ping(SequenceNumber(number: 1))]).isEmpty)
        #expect(observer.wait(.seconds(10)).packets(to: .numbered(2)).isEmpty)
    }
}
