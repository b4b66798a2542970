// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTrust
import Testing

@Suite("A pairing code")
struct PairingCodeTests {
    /// A code as an inviting node makes it.
    private static func code(
        seed: UInt64 = 1, tier: Tier = .kin, addresses: [PeerAddress]? = nil
    ) throws -> PairingCode {
        var generator = SeededGenerator(seed: seed)
        var invitations = InvitationStore(inviter: .random(using: &generator))
        let given = addresses ?? (0..<Int(seed % 5)).map { _ in .random(using: &generator) }
        return try invitations.invite(tier: tier, addresses: given, now: .zero, using: &generator).get()
    }

    @Test("What is written is read back")
    func roundTrip() throws {
        for seed in UInt64(0)..<500 {
            let code = try Self.code(seed: seed, tier: seed.isMultiple(of: 2) ? .kin : .kith)
            let read = try PairingCode.read(code.text).get()
            #expect(read == code, "seed \(seed)")
            #expect(read.addresses.count == Int(seed % 5), "seed \(seed)")
            #expect(read.invitation == code.invitation, "seed \(seed)")
        }
    }

    @Test("Zones, long names and mixed addresses survive")
    func addresses() throws {
        let hosts = [
            "fe80::1%eth0", "::1", "laptop.local", "192.168.178.20", "::ffff:10.0.0.1", "10.0.1", "2001:db8::a:0:0:1",
            "255.255.255.255", "0.0.0.0", "a",
        ]
        for start in stride(from: 0, to: hosts.count, by: 2) {
            let addresses = hosts[start..<start + 2].compactMap { PeerAddress(host: $0, port: 7443) }
            try #require(addresses.count == 2)
            #expect(try PairingCode.read(try Self.code(addresses: addresses).text).get().addresses == addresses)
        }
    }

    @Test("Addresses for which there is no room, and repeated ones, are left out")
    func tooManyAddresses() throws {
        let long = try #require(PeerAddress(host: String(repeating: "a", count: 200) + ".local", port: 1))
        let longer = try #require(PeerAddress(host: String(repeating: "b", count: 200) + ".local", port: 1))
        let short = try #require(PeerAddress(host: "10.0.0.1", port: 1))
        let code = try Self.code(addresses: [long, longer, short, short])
        #expect(code.addresses == [long, short])
        #expect(code.text.utf8.count <= PairingCode.textLimit)
        let six = (1...6).compactMap { PeerAddress(host: "10.0.0.\($0)", port: 1) }
        #expect(try Self.code(addresses: six).addresses == Array(six.prefix(4)))
    }

    @Test("It consists of what a QR code holds in its alphanumeric mode")
    func alphabet() throws {
        let text = try Self.code(seed: 4).text
        #expect(text.allSatisfy { $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "-") })
        #expect(text.split(separator: "-").dropLast().allSatisfy { $0.utf8.count == 8 })
    }

    @Test("Case, spaces, line breaks and missing hyphens do not matter")
    func tolerance() throws {
        let code = try Self.code(seed: 3)
        let plain = code.text.filter { $0 != "-" }
        #expect(try PairingCode.read(plain.lowercased()).get() == code)
        #expect(
            try PairingCode.read(" \(code.text.split(separator: "-").joined(separator: "\r\n\t - "))\n").get() == code)
    }

    @Test("Every single wrong or missing character and every swapped pair is found")
    func typingErrors() throws {
        let code = try Self.code(seed: 2)
        let digits = Array(code.text.utf8.filter { $0 != UInt8(ascii: "-") })
        func read(_ digits: [UInt8]) -> PairingCode.Unreadable? {
            PairingCode.read(String(decoding: digits, as: UTF8.self)).failure
        }
        for place in digits.indices {
            var shorter = digits
            shorter.remove(at: place)
            #expect(read(shorter) == .damaged)
            for wrong in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8 where wrong != digits[place] {
                var changed = digits
                changed[place] = wrong
                #expect(read(changed) == .damaged)
            }
            guard place > 0, digits[place] != digits[place - 1] else { continue }
            var swapped = digits
            swapped.swapAt(place, place - 1)
            #expect(read(swapped) == .damaged)
        }
    }

    @Test(
        "What is no code is refused with the reason",
        arguments: [
            ("", .empty), (" - \n", .empty), ("not a code!", .foreignCharacter), ("ÄÖÜ", .foreignCharacter),
            ("1890", .foreignCharacter), ("AAAA", .incomplete), ("ABCDEFGH", .incomplete),
            (String(repeating: "A", count: 513), .tooLong), (String(repeating: "-", count: 2_000), .tooLong),
        ] as [(String, PairingCode.Unreadable)])
    func refused(text: String, reason: PairingCode.Unreadable) {
        #expect(PairingCode.read(text).failure == reason)
    }

    @Test("A code of a later version says so, and one whose parts do not fit is damaged")
    func wellFormedButWrong() {
        let body = [UInt8](repeating: 7, count: 48)
        #expect(PairingCode.read(TestDigest.packed([0x10] + body)).failure == nil)
        #expect(PairingCode.read(TestDigest.packed([0x20] + body)).failure == .otherVersion)
        #expect(PairingCode.read(TestDigest.packed([0x11] + body)).failure == .damaged)
        #expect(PairingCode.read(TestDigest.packed([0x10] + body + [0])).failure == .damaged)
        #expect(PairingCode.read(TestDigest.packed([0x11] + body + [4, 10, 0, 0, 1, 0, 0])).failure == .damaged)
        #expect(PairingCode.read(TestDigest.packed([0x11] + body + [0, 1, 0xFF, 1, 1])).failure == .damaged)
        let five = (0..<5).flatMap { _ in [4, 10, 0, 0, 1, 1, 1] as [UInt8] }
        #expect(PairingCode.read(TestDigest.packed([0x15] + body + five)).failure == .damaged)
    }

    @Test("Spoilt codes are refused, and spoilt bytes under a right check do not trap")
    func fuzz() throws {
        let code = try Self.code(seed: 4)
        let bytes = try #require(Base32.decode(code.text.utf8.filter { $0 != UInt8(ascii: "-") }))
        for seed in UInt64(0)..<3_000 {
            var generator = SeededGenerator(seed: seed)
            let text = String(decoding: Mutations.spoil(Array(code.text.utf8), using: &generator), as: UTF8.self)
            if let read = try? PairingCode.read(text).get() { #expect(read == code, "seed \(seed)") }
            let spoilt = Mutations.spoil(Array(bytes.dropLast(4)), using: &generator)
            if let read = try? PairingCode.read(TestDigest.packed(spoilt)).get() {
                #expect(try PairingCode.read(read.text).get() == read, "seed \(seed)")
            }
        }
    }

    @Test("Printed by accident, it does not give its secret away")
    func printing() throws {
        let code = try Self.code(seed: 4)
        var dumped = ""
        dump(code, to: &dumped)
        let shown = dumped + "\(code)" + String(reflecting: code) + "\([code])"
        for group in code.text.split(separator: "-").dropFirst(7) { #expect(!shown.contains(group)) }
        #expect(shown.contains(code.inviter.short))
    }
}
