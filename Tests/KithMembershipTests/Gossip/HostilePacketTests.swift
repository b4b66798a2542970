// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithMembership

@Suite("Hostile kin", .timeLimit(.minutes(5)))
struct HostilePacketTests {
    private static func noise(using generator: inout SeededGenerator) -> GossipPacket {
        func number() -> UInt64 { [0, 1, 5, 1_000, 1 << 59, .max].randomElement(using: &generator) ?? 0 }
        func life() -> InstanceID {
            let time = [Int64.min, 0, 1_000, 50_000, .max].randomElement(using: &generator) ?? 0
            return InstanceID(startedAt: WallTime(milliseconds: time), salt: number())
        }
        func id() -> NodeID { .numbered(Int.random(in: 0..<8, using: &generator)) }
        func message() -> GossipMessage {
            let sequence = SequenceNumber(number: number())
            let kinds: [GossipMessage] = [
                .ping(sequence), .acknowledgement(sequence), .negative(sequence), .pingRequest(sequence, target: id()),
                .describeYourself, .digest, .differences,
            ]
            return kinds.randomElement(using: &generator) ?? .digest
        }
        func record() -> MemberRecord {
            let version = number()
            return MemberRecord(
                id: id(), instance: Bool.random(using: &generator) ? life() : .numbered(1),
                incarnation: Incarnation(number: number()),
                state: MemberState.allCases.randomElement(using: &generator) ?? .dead, accusers: [id(), id(), id()],
                declarationVersion: version,
                declaration: Bool.random(using: &generator) ? NodeMetadata(version: version, payload: [1]) : nil)
        }
        return GossipPacket(
            header: .init(
                instance: Bool.random(using: &generator) ? life() : .numbered(1),
                incarnation: Incarnation(number: number()), isLeaving: Int.random(in: 0..<9, using: &generator) == 0,
                declarationVersion: number()),
            messages: (0..<Int.random(in: 0...4, using: &generator)).map { _ in message() },
            records: (0..<Int.random(in: 0...9, using: &generator)).map { _ in record() })
    }

    @Test("Whatever kin say, nothing traps, and the state stays small", arguments: 1...5 as ClosedRange<UInt64>)
    func noise(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var observer = Observer(others: 5)
        var sent = 0
        for _ in 0..<2_000 {
            let sender = NodeID.numbered(Int.random(in: 0...6, using: &generator))
            let arrival: Membership.Arrival = Bool.random(using: &generator) ? .request : .response
            let packet = Self.noise(using: &generator)
            sent += observer.value.received(packet, from: sender, as: arrival, now: observer.now).count
            if Bool.random(using: &generator) {
                sent += observer.value.sendFailed(to: sender, .refused, now: observer.now).count
            }
            sent += observer.wait(.milliseconds(Int.random(in: 0...40, using: &generator))).count
        }
        #expect(observer.value.members.count == 5)
        #expect(sent < 40_000)
        for number in 1...5 { observer.hear(from: number, life: 60, incarnation: 1) }
        #expect(observer.value.members.allSatisfy { $0.state == .alive })
    }

    @Test("Responses that ask are not answered without end")
    func pingPong() {
        var observer = Observer.met(others: 1)
        var sent = 0
        for _ in 0..<1_000 {
            sent += observer.hear(from: 1, [.describeYourself, .digest], as: .response).packets(to: .numbered(1)).count
            sent += observer.wait(.milliseconds(1)).packets(to: .numbered(1)).count
        }
        #expect(sent < 25)
    }

    @Test("A flood of suspicions and denials leaves no heap of timers")
    func flood() {
        var observer = Observer.met(others: 5)
        // Heard long enough ago for hearsay to count.
        observer.wait(.milliseconds(1_600))
        var most = 0
        for round in 0..<2_000 as Range<UInt64> {
            observer.now = observer.now + .microseconds(100)
            let records = (2...5).flatMap { number in
                [
                    MemberRecord.saying(number, .suspect, incarnation: round, accusers: [1]),
                    .saying(number, .alive, incarnation: round + 1),
                ]
            }
            observer.hear(from: 1, records: records)
            most = max(most, observer.value.timers.count)
        }
        #expect((500...1_200).contains(most), "\(most)")
    }

    @Test("One that lies about all others kills nobody who answers")
    func slander() {
        print("seed 21")
        var mesh = SimulatedMesh(count: 5, seed: 21)
        mesh.run(for: .seconds(3))
        for _ in 0..<60 {
            let lives = (0..<5).map { mesh.nodes[$0].value.instance }
            let slander = GossipPacket(
                header: .init(instance: lives[4], incarnation: mesh.nodes[4].value.incarnation, declarationVersion: 1),
                records: (0..<4).map { index in
                    MemberRecord(
                        id: .numbered(index), instance: lives[index],
                        incarnation: Incarnation(number: mesh.nodes[index].value.incarnation.number + 5), state: .dead)
                })
            for index in 0..<4 { mesh.call(index) { $0.received(slander, from: .numbered(4), as: .request, now: $1) } }
            mesh.run(for: .seconds(1))
        }
        #expect(mesh.deaths.isEmpty, "\(mesh.deaths.prefix(3))")
        #expect(mesh.agrees)
    }
}
