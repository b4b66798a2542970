// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import Testing

@Suite("What a node says of itself, and how it bears interruptions")
struct LocalMemberTests {
    private let one = NodeID.numbered(1)

    @Test("A payload that keeps changing is told once a second, the last one in the end")
    func throttled() {
        var observer = Observer.met(others: 1)
        observer.wait(.seconds(5))
        var versions: Set<UInt64> = []
        for step in 0..<100 {
            _ = observer.value.setPayload([UInt8(step)], now: observer.now)
            _ = observer.value.contact(from: one, now: observer.now)
            for packet in observer.wait(.milliseconds(50)).packets(to: one) {
                versions.insert(packet.header.declarationVersion)
            }
        }
        #expect((4...7).contains(versions.count))
        observer.wait(.seconds(1))
        let reply = observer.hear(from: 1, [.describeYourself]).reply
        #expect(reply?.records.first { $0.id == .numbered(0) }?.declaration?.payload == [99])
    }

    @Test("A payload that is too long is refused")
    func tooLong() {
        var observer = Observer.met(others: 1)
        let payload = [UInt8](repeating: 0, count: NodeMetadata.payloadLimit + 1)
        #expect(observer.value.setPayload(payload, now: observer.now) == nil)
    }

    @Test("A member's newest declaration is taken from whoever has it, an older one from nobody")
    func declarations() {
        var observer = Observer.met(others: 2)
        var record = MemberRecord.saying(2, .alive)
        for (version, payload) in [(2, 2), (1, 1), (3, 3)] as [(UInt64, UInt8)] {
            record.declarationVersion = version
            record.declaration = NodeMetadata(version: version, payload: [payload])
            observer.hear(from: 1, records: [record])
        }
        #expect(observer.value.member(.numbered(2))?.payload == [3])
    }

    @Test("Whoever left has left: a late packet does not bring it back, a new life does")
    func left() {
        var observer = Observer.met(others: 2)
        #expect(observer.hear(from: 1, incarnation: 1, isLeaving: true).kinds(of: one) == [.left])
        observer.hear(from: 1, incarnation: 0)
        #expect(observer.state(1) == .left)
        observer.wait(.seconds(60))
        #expect(observer.state(1) == .left)
        observer.hear(from: 1, life: 2)
        #expect(observer.state(1) == .alive)
    }

    @Test("A node that said goodbye begins nothing and answers as one that left")
    func leaving() {
        var observer = Observer.met(others: 3)
        let goodbyes = observer.value.leave(now: observer.now)
        #expect(goodbyes.count == 3)
        #expect(observer.wait(.seconds(60)).isEmpty)
        let reply = observer.hear(from: 1, [.ping(SequenceNumber(number: 1))]).reply
        #expect(reply?.header.isLeaving == true)
    }

    @Test("Waking up takes the goodbye back")
    func rejoins() {
        var observer = Observer.met(others: 2)
        _ = observer.value.leave(now: observer.now)
        let actions = observer.value.woke(now: observer.now + .seconds(3_600))
        let packet = actions.packets(to: one).first
        #expect(packet?.header.isLeaving == false)
        #expect(packet?.header.incarnation.number == 2)
    }

    @Test("A process that was stopped accuses nobody, doubts itself and asks everybody", arguments: [3.0, 604_800.0])
    func stopped(seconds: Double) {
        var observer = Observer.met(others: 4)
        observer.now = observer.now + .seconds(seconds)
        let actions = observer.value.tick(now: observer.now)
        for number in 1...4 {
            #expect(observer.state(number) == .alive)
            #expect(actions.pings(to: .numbered(number)).count == 1)
        }
        #expect(observer.value.doubt > 0)
    }

    @Test("A suspicion does not run out while the process is stopped")
    func stoppedSuspicion() {
        var observer = Observer.met(others: 1)
        while observer.state(1) != .suspect, observer.now < .seconds(10) { observer.wait(.milliseconds(10)) }
        observer.wait(.milliseconds(2_500))
        #expect(observer.state(1) == .suspect)
        observer.now = observer.now + .seconds(3_600)
        _ = observer.value.tick(now: observer.now)
        observer.wait(.milliseconds(2_500))
        #expect(observer.state(1) == .suspect)
        observer.wait(.seconds(1))
        #expect(observer.state(1) == .dead)
    }

    @Test("A clock that goes back does no harm")
    func backwards() {
        var observer = Observer.met(others: 2)
        observer.wait(.seconds(100))
        let wakeUp = observer.value.nextWakeUp
        _ = observer.value.tick(now: .seconds(5))
        _ = observer.value.contact(from: one, now: .seconds(1))
        #expect(observer.value.nextWakeUp >= wakeUp)
    }

    @Test("A changed network makes everybody probed at once")
    func networkChanged() {
        var observer = Observer.met(others: 3)
        observer.wait(.milliseconds(900))
        let actions = observer.value.networkChanged(now: observer.now)
        for number in 1...3 { #expect(actions.pings(to: .numbered(number)).count == 1) }
    }
}
