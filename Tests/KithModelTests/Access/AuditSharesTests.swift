// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

struct AuditSharesTests {
    private static let hour: Int64 = 3_600

    private func line(
        _ id: Int64, at seconds: Int64, _ kind: String = "client.refused", source: String? = "192.0.2.1",
        reason: String = "unknown", subject: String? = nil
    ) -> AuditShares.Line {
        AuditShares.Line(
            id: id, at: WallTime(milliseconds: seconds * 1_000), kind: kind, reason: reason, source: source,
            subject: subject)
    }

    private func kept(
        _ lines: [AuditShares.Line], by places: AuditShares.Places = .hours, limit: Int
    ) -> [AuditShares.Line] {
        let gone = Set(AuditShares.surplus(of: lines, by: places, keeping: limit))
        return lines.filter { !gone.contains($0.id) }
    }

    @Test func `Ten minutes from many sources leave what was there before as it was`() {
        let before = (0..<200).map { line(Int64($0), at: Int64($0) * Self.hour, source: "198.51.100.\($0)") }
        let start = 201 * Self.hour
        let flood = (0..<20_000).map { number in
            line(
                1_000 + Int64(number), at: start + Int64(number) / 34,
                source: "2001:db8:\(String(number, radix: 16))::1")
        }
        let left = kept(before + flood, limit: 1_000)
        #expect(left.count == 1_000)
        #expect(left.starts(with: before))
    }

    @Test func `A flood of one kind takes nothing of another's room, nor of another reason's`() {
        let act = line(0, at: 0, "pairing.refused", source: "203.0.113.9", reason: "wrong code")
        let probe = line(1, at: 0, reason: "wrong_secret", subject: "abcdefgh")
        let flood = (2..<5_000).map { line(Int64($0), at: Int64($0) / 10, source: "192.0.\($0 / 250).\($0 % 250)") }
        let left = kept([act, probe] + flood, limit: 100)
        #expect(left.starts(with: [act, probe]))
        #expect(left.count == 100)
    }

    @Test func `A source with many lines does not push out one with few, and an IPv6 client is one source`() {
        let quiet = line(0, at: 0, source: "192.0.2.77")
        let loud = (1..<500).map { line(Int64($0), at: 1, source: "2001:db8:0:1::\(String($0, radix: 16))") }
        let left = kept([quiet] + loud, limit: 10)
        #expect(left.first == quiet)
        #expect(left.dropFirst().map(\.id) == Array(491..<500))
    }

    @Test func `Keys and peers without an address are sources of their own`() {
        let lines = (0..<100).map { line(Int64($0), at: 1, source: nil, subject: $0 == 0 ? "quiet" : "loud") }
        #expect(kept(lines, limit: 10).first?.subject == "quiet")
    }

    @Test func `The owner's acts are shared by kind, the latest of each staying`() {
        let revoked = line(0, at: 0, "key.revoked", subject: "k")
        let sessions = (1..<300).map { line(Int64($0), at: Int64($0) * Self.hour, "session.opened") }
        let left = kept([revoked] + sessions, by: .kinds, limit: 20)
        #expect(left.map(\.id) == [0] + Array(281..<300))
    }

    @Test func `New lines are taken also when each hour has a line already`() {
        let lines = (0..<100).map { line(Int64($0), at: Int64($0) * Self.hour) }
        #expect(kept(lines, limit: 90).map(\.id) == Array(10..<100))
    }

    @Test(arguments: UInt64(1)...30)
    func `As many stay as may, whatever the lines are`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let lines = (0..<Int64.random(in: 1...400, using: &generator)).map { id in
            line(
                id, at: .random(in: 0...20_000, using: &generator),
                ["a", "b", "c"].randomElement(using: &generator) ?? "a",
                source: "192.0.2.\(Int.random(in: 0...20, using: &generator))")
        }
        let limit = Int.random(in: 0...500, using: &generator)
        for places in [AuditShares.Places.hours, .kinds] {
            #expect(kept(lines, by: places, limit: limit).count == min(lines.count, limit), "seed \(seed)")
        }
    }

    @Test(arguments: [
        ("192.0.2.7", "192.0.2.7"), ("::1", "::1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80:0:0:0::/64"), ("::ffff:10.0.0.9", "10.0.0.9"), ("elsewhere", "elsewhere"), ("", ""),
    ])
    func `A network is what one client usually has to itself`(address: String, network: String) {
        #expect(AddressNetwork(of: address).description == network)
    }
}
