// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Testing

@Suite("Packets of gossip on the wire")
struct GossipPacketTests {
    private static let addresses = ["10.0.0.1:7443", "[fe80::1%eth0]:7443", "node.local:1"].compactMap {
        PeerAddress($0)
    }

    private static let full: GossipPacket = {
        let sighting = CloneSighting(id: .numbered(1), .numbered(1), .numbered(2))
        let messages: [GossipMessage] =
            [
                .ping(SequenceNumber(number: 1)), .acknowledgement(SequenceNumber(number: .max)),
                .negative(SequenceNumber(number: 300)),
                .pingRequest(SequenceNumber(number: 5), target: .numbered(9)), .describeYourself, .digest, .differences,
            ] + (sighting.map { [.cloneNotice($0)] } ?? [])
        return GossipPacket(
            header: .init(
                instance: InstanceID(startedAt: WallTime(milliseconds: -5), salt: .max),
                incarnation: Incarnation(number: 1 << 40), isLeaving: true, declarationVersion: 77),
            messages: messages,
            records: [
                MemberRecord(
                    id: .numbered(2), instance: .numbered(3), incarnation: Incarnation(number: 4), state: .suspect,
                    accusers: [.numbered(5), .numbered(6)], declarationVersion: 8),
                MemberRecord(
                    id: .numbered(3), instance: .numbered(4), incarnation: .first, state: .alive,
                    declarationVersion: 9,
                    declaration: NodeMetadata(version: 9, payload: Array(0...255), addresses: addresses)),
                MemberRecord(id: .numbered(4), instance: nil, incarnation: .first, state: .unknown),
            ])
    }()

    @Test("What is written is read")
    func roundTrip() throws {
        #expect(Self.addresses.count == 3)
        #expect(try GossipPacket(decoding: Self.full.encoded()) == Self.full)
    }

    @Test("A ping without news is small")
    func size() {
        let header = GossipPacket.Header(instance: .numbered(1), incarnation: .first)
        let packet = GossipPacket(header: header, messages: [.ping(SequenceNumber(number: 1_000))])
        #expect(packet.encoded().count <= 32)
    }

    @Test("A packet never grows beyond its limit; what does not fit is left out")
    func bounded() throws {
        var packet = Self.full
        packet.records = (0..<512).map {
            let payload = [UInt8](repeating: 7, count: NodeMetadata.payloadLimit)
            return MemberRecord(
                id: .numbered($0), instance: .numbered(1), incarnation: .first, state: .alive, declarationVersion: 1,
                declaration: NodeMetadata(version: 1, payload: payload))
        }
        let bytes = packet.encoded()
        #expect(bytes.count <= GossipPacket.byteLimit)
        let read = try GossipPacket(decoding: bytes)
        #expect(read.records.count >= 14)
        #expect(read.records == Array(packet.records.prefix(read.records.count)))
    }

    @Test("A digest of five hundred members fits")
    func largeDigest() throws {
        var packet = Self.full
        packet.records = (0..<GossipPacket.recordLimit).map {
            MemberRecord(
                id: .numbered($0), instance: .numbered(1), incarnation: Incarnation(number: 1 << 20), state: .alive,
                declarationVersion: 1 << 30)
        }
        #expect(try GossipPacket(decoding: packet.encoded()).records.count == GossipPacket.recordLimit)
    }

    private func problem(_ bytes: [UInt8]) -> GossipPacketError? {
        do {
            _ = try GossipPacket(decoding: bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test("Each cut of a packet is refused")
    func cuts() {
        let bytes = Self.full.encoded()
        for length in 0..<bytes.count { #expect(problem(Array(bytes.prefix(length))) != nil, "\(length) bytes") }
    }

    @Test("What is no packet is named")
    func refusals() {
        let bytes = Self.full.encoded()
        var other = bytes
        other[0] = 0x7B
        #expect(problem(other) == .notGossip)
        other = bytes
        (other[1], other[2]) = (2, 5)
        #expect(problem(other) == .unknownVersion(2...5))
        (other[1], other[2]) = (5, 2)
        #expect(problem(other) == .malformed)
        #expect(problem(bytes + [0]) == .malformed)
        #expect(problem([UInt8](repeating: 0x4B, count: GossipPacket.byteLimit + 1)) == .tooLong)
    }

    @Test("A sender that also speaks a later version is understood, and what it added is skipped")
    func laterVersion() throws {
        let header = GossipPacket.Header(instance: .numbered(1), incarnation: .first)
        var bytes = GossipPacket(header: header, messages: [.describeYourself]).encoded()
        bytes[2] = 9
        // A message of an unknown kind with three bytes in front of the known one.
        let count = try #require(bytes.indices.dropLast(3).last)
        bytes[count] = 2
        bytes.insert(contentsOf: [200, 3, 1, 2, 3], at: count + 1)
        #expect(try GossipPacket(decoding: bytes).messages == [.describeYourself])
    }

    @Test("Spoilt packets are read or refused, and never trap", arguments: 1...20 as ClosedRange<UInt64>)
    func spoilt(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let bytes = Self.full.encoded()
        for _ in 0..<300 {
            let spoilt = Mutations.spoil(bytes, using: &generator)
            guard let packet = try? GossipPacket(decoding: spoilt) else { continue }
            #expect((try? GossipPacket(decoding: packet.encoded())) == packet)
        }
    }

    @Test("Numbers that do not fit are refused")
    func numbers() {
        let header = GossipPacket.Header(instance: .numbered(1), incarnation: .first)
        let start = Array(GossipPacket(header: header).encoded().prefix(19))
        let tooLong = [UInt8](repeating: 0xFF, count: 9)
        #expect(problem(start + tooLong + [0x02, 0, 0, 0, 0]) == .malformed)
        #expect(problem(start + tooLong + [0x01, 0, 0, 0, 0]) == nil)
        #expect(problem(start + tooLong + [0xFF, 0x01, 0, 0, 0]) == .malformed)
    }
}
