// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import Testing

@Suite("Probes and suspicion")
struct ProbingTests {
    private let two = NodeID.numbered(2)

    @Test("A ping is answered in the response")
    func answers() {
        var observer = Observer.met(others: 1)
        let reply = observer.hear(from: 1, [.ping(SequenceNumber(number: 42))]).reply
        #expect(reply?.messages.first == .acknowledgement(SequenceNumber(number: 42)))
    }

    @Test("Served tokens spare a member its probes")
    func contact() {
        var observer = Observer.met(others: 1)
        var pings = 0
        for _ in 0..<40 {
            pings += observer.wait(.milliseconds(500)).pings(to: .numbered(1)).count
            _ = observer.value.contact(from: .numbered(1), now: observer.now)
        }
        #expect(pings == 0)
        #expect(observer.state(1) == .alive)
    }

    @Test("Two refusals and half a second make a member dead")
    func refused() {
        var observer = Observer.met(others: 1)
        let actions = observer.value.connectionLost(to: .numbered(1), now: observer.now)
        #expect(actions.pings(to: .numbered(1)).count == 1)
        _ = observer.value.sendFailed(to: .numbered(1), .refused, now: observer.now)
        #expect(observer.state(1) == .alive)
        #expect(observer.wait(.milliseconds(201)).pings(to: .numbered(1)).count == 1)
        _ = observer.value.sendFailed(to: .numbered(1), .refused, now: observer.now)
        #expect(observer.state(1) == .suspect)
        let later = observer.wait(.milliseconds(501))
        #expect(later.kinds(of: .numbered(1)) == [.died(.refused)])
    }

    /// Nobody listens at the addresses of a member that talks all the same.
    private func closed() -> Observer {
        var observer = Observer.met(others: 1)
        for _ in 0..<2 {
            _ = observer.value.sendFailed(to: .numbered(1), .refused, now: observer.now)
            observer.wait(.milliseconds(201))
        }
        observer.wait(.milliseconds(501))
        return observer
    }

    @Test("A member that talks and where nobody listens stays gone, and is not told so with each word")
    func closedMember() {
        var observer = closed()
        #expect(observer.state(1) == .dead)
        var kinds: [MemberEvent.Kind] = []
        for second in 0..<30 {
            let actions = observer.hear(from: 1, incarnation: UInt64(second / 10), [.ping(SequenceNumber(number: 7))])
            kinds += actions.kinds(of: .numbered(1))
            let accusations = actions.reply?.records.filter { $0.id == .numbered(1) }
            #expect(accusations == [], "it would contradict for ever")
            kinds += observer.wait(.seconds(1)).kinds(of: .numbered(1))
            _ = observer.value.sendFailed(to: .numbered(1), .refused, now: observer.now)
        }
        #expect(kinds == [] && observer.state(1) == .dead)
    }

    @Test("It is back when it answers, and when it begins a new life; what it says of leaving counts")
    func openedMember() {
        var answering = closed()
        let pings = answering.wait(.seconds(20))
        _ = answering.answer(Array(pings.suffix(3)), for: 1)
        #expect(answering.state(1) == .alive)
        var restarted = closed()
        restarted.hear(from: 1, life: 2)
        #expect(restarted.state(1) == .alive)
        var leaving = closed()
        leaving.hear(from: 1, isLeaving: true)
        #expect(leaving.state(1) == .left)
    }

    @Test("Several packets refused together are one refusal")
    func refusedTogether() {
        var observer = Observer.met(others: 1)
        for _ in 0..<5 { _ = observer.value.sendFailed(to: .numbered(1), .refused, now: observer.now) }
        #expect(observer.state(1) == .alive)
    }

    @Test("A member that turns this node away is dead to it for that reason")
    func turnedAway() {
        var observer = Observer.met(others: 1)
        var died: [MemberEvent.Kind] = []
        for _ in 0..<40 where observer.state(1) != .dead {
            let actions = observer.wait(.milliseconds(250))
            died += actions.kinds(of: .numbered(1))
            guard !actions.pings(to: .numbered(1)).isEmpty else { continue }
            died += observer.value.sendFailed(to: .numbered(1), .refusedByPeer(reason: "forgotten"), now: observer.now)
                .kinds(of: .numbered(1))
        }
        #expect(died.last == .died(.turnedAway("forgotten")))
    }

    @Test("A broken channel makes a member probed at once")
    func connectionLost() {
        var observer = Observer.met(others: 2)
        #expect(observer.value.connectionLost(to: two, now: observer.now).pings(to: two).count == 1)
    }

    @Test("With nobody to confirm a suspicion lasts three seconds, unconfirmed it lasts eight")
    func suspicionTimes() {
        func time(others: Int, confirmedBy confirmers: [Int]) -> Double {
            var observer = Observer.met(others: others)
            var suspectedAt = MonotonicInstant.zero
            for _ in 0..<4_000 where observer.state(1) != .dead {
                let actions = observer.wait(.milliseconds(10))
                for other in 1...others where other != 1 { _ = observer.answer(actions, for: other) }
                if actions.kinds(of: .numbered(1)).contains(.suspected) {
                    suspectedAt = observer.now
                    for confirmer in confirmers {
                        observer.hear(from: confirmer, records: [.saying(1, .suspect, accusers: [confirmer])])
                    }
                }
            }
            return (observer.now - suspectedAt).seconds
        }
        #expect((2.9...3.2).contains(time(others: 1, confirmedBy: [])))
        #expect((7.9...8.2).contains(time(others: 5, confirmedBy: [])))
        #expect((5.4...5.7).contains(time(others: 5, confirmedBy: [2])))
        #expect((2.9...3.2).contains(time(others: 5, confirmedBy: [2, 3, 4])))
    }

    @Test("A helper passes on the acknowledgement, with what it knows of the target")
    func helps() {
        var observer = Observer.met(others: 2)
        let request = GossipMessage.pingRequest(SequenceNumber(number: 9), target: two)
        let ping = observer.hear(from: 1, [request])
        let answer = observer.answer(ping, for: 2)
        let passedOn = answer.packets(to: .numbered(1)).first
        #expect(passedOn?.messages.contains(.acknowledgement(SequenceNumber(number: 9))) == true)
        #expect(passedOn?.records.contains { $0.id == two && $0.state == .alive } == true)
    }

    @Test("A helper that hears nothing says so before the time is up")
    func negative() {
        var observer = Observer.met(others: 2)
        observer.hear(from: 1, [.pingRequest(SequenceNumber(number: 9), target: two)])
        let packets = observer.wait(.milliseconds(410)).packets(to: .numbered(1))
        #expect(packets.contains { $0.messages.contains(.negative(SequenceNumber(number: 9))) })
    }

    @Test("An acknowledgement through a helper keeps a member alive")
    func indirect() {
        var observer = Observer.met(others: 3)
        for _ in 0..<60 {
            let actions = observer.wait(.milliseconds(200))
            for helper in [1, 3] {
                _ = observer.answer(actions, for: helper)
                for packet in actions.packets(to: .numbered(helper)) {
                    for case .pingRequest(let sequence, let target) in packet.messages where target == two {
                        observer.hear(from: helper, [.acknowledgement(sequence)])
                    }
                }
            }
        }
        #expect(observer.state(2) == .alive)
    }

    @Test("Those who are gone are tried for ever, never less often than the cap says")
    func reconnects() {
        var observer = Observer.met(others: 1)
        observer.wait(.seconds(20))
        #expect(observer.state(1) == .dead)
        var tries: [MonotonicInstant] = []
        while observer.now < .seconds(4 * 3_600) {
            if !observer.wait(.milliseconds(100)).pings(to: .numbered(1)).isEmpty { tries.append(observer.now) }
        }
        let pauses = zip(tries, tries.dropFirst()).map { ($1 - $0).seconds }
        #expect((pauses.prefix(100).max() ?? .infinity) < 1.6)
        #expect((pauses.max() ?? .infinity) < 12.6)
        #expect((pauses.suffix(100).min() ?? 0) > 7.9)
    }

    @Test("A new address for one who is gone is tried at once")
    func suggested() {
        var observer = Observer.met(others: 1)
        observer.wait(.seconds(1_200))
        observer.waitAfterTry(1)
        let pings = observer.value.addressesSuggested(for: .numbered(1), now: observer.now).pings(to: .numbered(1))
        #expect(pings.count == 1)
    }
}
