// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("Ranges of addresses")
struct AddressRangeTests {
    @Test(
        "A range is read and written back in its shortest form",
        arguments: [
            ("10.0.0.0/8", "10.0.0.0/8"), ("10.0.0.7", "10.0.0.7"), ("10.0.0.7/32", "10.0.0.7"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0:0::/32", "2001:db8::/32"), ("::1", "::1"), ("::/0", "::/0"), ("fe80::1%eth0", "fe80::1"),
            ("::ffff:10.0.0.7", "10.0.0.7"), ("::ffff:10.0.0.0/104", "10.0.0.0/8"), ("::ffff:0:0/96", "0.0.0.0/0"),
        ])
    func roundTrip(text: String, expected: String) { #expect(AddressRange(text)?.description == expected) }

    @Test(
        "What is no range, or may mean two, is refused",
        arguments: [
            "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.7/8", "10.0.0/8",
            "10",
            "010.0.0.1", "0x0a.0.0.1", "10.0.0.0/08a", "localhost", "[::1]", "::1/129", "2001:db8::1/32", "::g",
            "10.0.0.7%eth0",
            "::ffff:10.0.0.0/95", "*", " 10.0.0.7", "10.0.0.7\u{0}",
        ])
    func refused(text: String) { #expect(AddressRange(text) == nil) }

    @Test(
        "A range holds the addresses that begin with its bits, however they are written",
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true), ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true), ("::/0", "203.0.113.9", false), ("::/0", "::ffff:203.0.113.9", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
            ("2001:db8::/65", "2001:db8::7fff:0:0:1", true), ("2001:db8::/65", "2001:db8:0:0:8000::", false),
            ("10.0.0.7", "10.0.0.7", true), ("10.0.0.7", "10.0.0.6", false), ("10.0.0.0/8", "10.3.0.0/16", true),
            ("10.3.0.0/16", "10.0.0.0/8", false), ("::/8", "10.0.0.1", false),
        ])
    func holds(range: String, address: String, expected: Bool) throws {
        #expect(try #require(AddressRange(range)).contains(try #require(AddressRange(address))) == expected)
    }

    @Test("A range holds an address exactly if their first bits are the same")
    func agreesWithBits() throws {
        var random = SeededGenerator(seed: 17)
        for _ in 0..<2_000 {
            let count = Bool.random(using: &random) ? 4 : 16
            let first = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            var second = first
            second[Int.random(in: 0..<count, using: &random)] ^= UInt8.random(in: 0...255, using: &random)
            let length = Int.random(in: 0...count * 8, using: &random)
            let address = try #require(AddressRange(bytes: first)).description
            let begin = first.enumerated().map { index, byte in byte & bits(max(0, min(8, length - index * 8))) }
            let start = try #require(AddressRange(bytes: begin)).description
            let range = try #require(AddressRange("\(start)/\(length)"), "\(start)/\(length)")
            let same = zip(first, second).enumerated().allSatisfy { index, pair in
                (pair.0 ^ pair.1) & bits(max(0, min(8, length - index * 8))) == 0
            }
            #expect(range.contains(try #require(AddressRange(address))))
            #expect(range.contains(try #require(AddressRange(bytes: second))) == same, "\(range) \(second) seed 17")
        }
    }

    private func bits(_ count: Int) -> UInt8 { UInt8(truncatingIfNeeded: 0xFF00 >> count) }

    @Test(
        "A subscriber is one IPv4 address or 64 bits of IPv6",
        arguments: [
            ("203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8::/32", "2001:db8::/32"),
        ])
    func subscriber(text: String, expected: String) { #expect(AddressRange(text)?.subscriber.description == expected) }

    @Test(
        "Loopback is told by the address alone",
        arguments: [
            ("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("128.0.0.1", false),
            ("::2", false), ("0.0.0.0", false), ("::127.0.0.1", false), ("126.255.255.255", false), ("::/64", false),
        ])
    func loopback(text: String, expected: Bool) { #expect(AddressRange(text)?.isLoopback == expected) }
}
