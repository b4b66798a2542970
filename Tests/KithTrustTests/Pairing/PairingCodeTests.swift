// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing
@testable import KithTrust

@Suite("A pairing code")
struct PairingCodeTests {
    /// A code as an inviting node makes it.
    private static func code(
        seed: UInt64 = 1, tier: Tier = .kin, addresses: [PeerAddress]? = nil
    ) -> PairingCode {
        var generator = SeededGenerator(seed: seed)
        let inviter = NodeID.random(using: &generator)
        let given = addresses ?? (0..<Int(seed % 5)).map { _ in .random(using: &generator) }
        return PairingCode(
            inviter: inviter, addresses: given, seed: PairingSeed(using: &generator), tier: tier)
    }

    @Test("What is written is read back")
    func roundTrip() throws {
        for seed in UInt64(0)..<500 {
            let code = Self.code(seed: seed, tier: seed.isMultiple(of: 2) ? .kin : .kith)
            let read = try PairingCode.read(code.text).get()
            #expect(read == code, "seed \(seed)")
            if seed < 4 { #expect(read.invitation == code.invitation, "seed \(seed)") }
        }
    }

    @Test("Zones, long names and mixed addresses survive")
    func addresses() throws {
        let hosts = [
            "fe80::1%eth0", "::1", "laptop.local", "192.168.178.20", "::ffff:10.0.0.1", "10.0.1", "2001:db8::a:0:0:1",
            "255.255.255.255", "0.0.0.0", "a", String(repeating: "a", count: 200),
        ]
        for host in hosts {
            for port in [1, 7442, 7443, 65_535] {
                let address = try #require(PeerAddress(host: host, port: port))
                let code = Self.code(addresses: [address])
                #expect(code.addresses == [address])
                #expect(try PairingCode.read(code.text).get() == code)
            }
        }
    }

    @Test("It fits into 80 columns with two networks, with IPv4 and IPv6, and on any port")
    func columns() throws {
        let places = [
            ["192.168.1.7:7443", "10.0.0.9:7443", "100.64.1.2:7443", "172.16.0.1:7443"],
            ["192.168.1.7:7443", "[2001:db8::7]:7443"], ["192.168.1.7:1", "10.0.0.9:2", "100.64.1.2:3"],
        ].map { $0.compactMap { PeerAddress($0) } }
        for addresses in places {
            let code = Self.code(addresses: addresses)
            #expect(code.addresses == addresses)
            #expect(code.text.utf8.count <= 80, "\(code.text.utf8.count)")
        }
    }

    @Test("Addresses that do not fit into 80 columns, and repeated ones, are left out; the first never is")
    func tooManyAddresses() throws {
        let long = try #require(PeerAddress(host: String(repeating: "a", count: 200) + ".local", port: 1))
        let short = try #require(PeerAddress(host: "10.0.0.1", port: 1))
        let code = Self.code(addresses: [long, short, short])
        #expect(code.addresses == [long])
        #expect(code.text.utf8.count <= PairingCode.textLimit)
        #expect(Self.code(addresses: [short, long, short]).addresses == [short])
        let six = (1...6).compactMap { PeerAddress(host: "10.0.0.\($0)", port: PeerAddress.defaultPort) }
        #expect(Self.code(addresses: six).addresses == Array(six.prefix(4)))
    }

    @Test("It consists of what a QR code holds in its alphanumeric mode")
    func alphabet() throws {
        let text = Self.code(seed: 4).text
        #expect(text.allSatisfy { $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "-") })
        #expect(text.split(separator: "-").dropLast().allSatisfy { $0.utf8.count == 8 })
    }

    @Test("Case, spaces, line breaks and missing hyphens do not matter")
    func tolerance() throws {
        let code = Self.code(seed: 3)
        let plain = code.text.filter { $0 != "-" }
        #expect(try PairingCode.read(plain.lowercased()).get() == code)
        #expect(
            try PairingCode.read(" \(code.text.split(separator: "-").joined(separator: "\r\n\t - "))\n").get() == code)
    }

    @Test("Every single wrong or missing character and every swapped pair is found")
    func typingErrors() throws {
        let code = Self.code(seed: 2)
        let digits = Array(code.text.utf8.filter { $0 != UInt8(ascii: "-") })
        func read(_ digits: [UInt8]) -> PairingCode.Unreadable? {
            PairingCode.read(String(decoding: digits, as: UTF8.self)).failure
        }
        for place in digits.indices {
            var shorter = digits
            shorter.remove(at: place)
            // Without one of the first characters the length is another one.
            #expect(place < 4 ? read(shorter) != nil : read(shorter)?.isBeginning == true)
            for wrong in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8 where wrong != digits[place] {
                var changed = digits
                changed[place] = wrong
                // One of the first characters may say that there must be more.
                #expect(read(changed) == .damaged || (place < 4 && read(changed) != nil))
                #expect(place < 4 || read(changed)?.isBeginning == false)
            }
            guard place > 0, digits[place] != digits[place - 1] else { continue }
            var swapped = digits
            swapped.swapAt(place, place - 1)
            #expect(read(swapped) == .damaged || (place <= 4 && read(swapped) != nil))
        }
    }

    @Test(
        "What is no code is refused with the reason",
        arguments: [
            ("", .empty), (" - \n", .empty), ("not a code!", .foreignCharacter), ("ÄÖÜ", .foreignCharacter),
            ("1890", .foreignCharacter), ("AAAA", .incomplete(4, of: nil)), ("ABCDEFGH", .incomplete(8, of: nil)),
            (String(repeating: "K", count: 60), .damaged),
            (String(repeating: "A", count: 513), .tooLong), (String(repeating: "-", count: 2_000), .tooLong),
        ] as [(String, PairingCode.Unreadable)])
    func refused(text: String, reason: PairingCode.Unreadable) {
        #expect(PairingCode.read(text).failure == reason)
    }

    @Test("What is there of a code, and how much there must be, is said")
    func beginning() throws {
        let digits = Self.code(seed: 2).text.filter { $0 != "-" }
        for count in 4..<digits.count {
            #expect(PairingCode.read(String(digits.prefix(count))).failure == .incomplete(count, of: digits.count))
        }
        let why = PairingCode.Unreadable.incomplete(42, of: 72)
        #expect(why.description == "the pairing code is not whole: 42 of 72 characters; paste all of it")
    }

    @Test("A code of another version says so, and one whose parts do not fit is damaged")
    func wellFormedButWrong() {
        func read(_ head: UInt8, _ more: [UInt8] = [], says length: Int? = nil) -> PairingCode.Unreadable? {
            let body = [UInt8](repeating: 7, count: 10) + [0, 7, 7, 7, 7, 7, 7, 7] + more
            let bytes = [head, UInt8(length ?? body.count + 4)] + body
            return PairingCode.read(TestDigest.packed(bytes)).failure
        }
        #expect(read(0x20) == nil)
        #expect(read(0x28, [0x84, 10, 0, 0, 1]) == nil)
        #expect(read(0x30) == .otherVersion)
        #expect(PairingCode.read("CB" + String(repeating: "A", count: 85)).failure == .otherVersion)
        #expect(read(0x21) == .damaged)
        #expect(read(0x20, [0]) == .damaged)
        #expect(read(0x20, says: 21) == .damaged)
        #expect(read(0x20, says: 23) == .incomplete(36, of: 37))
        #expect(read(0x20, [4, 10, 0, 0, 1, 0, 0]) == .damaged)
        #expect(read(0x20, [4, 10, 0, 0, 1, 0x1D, 0x13]) == .damaged, "7443 is never written")
        #expect(read(0x20, [0, 1, 0xFF, 1, 1]) == .damaged)
        #expect(read(0x20, (0..<5).flatMap { _ in [0x84, 10, 0, 0, 1] as [UInt8] }) == .damaged)
    }

    @Test("Spoilt codes are refused, and spoilt bytes under a right check do not trap")
    func fuzz() throws {
        let code = Self.code(seed: 4)
        let bytes = try #require(Base32.decode(code.text.utf8.filter { $0 != UInt8(ascii: "-") }))
        for seed in UInt64(0)..<3_000 {
            var generator = SeededGenerator(seed: seed)
            let text = String(decoding: Mutations.spoil(Array(code.text.utf8), using: &generator), as: UTF8.self)
            if let read = try? PairingCode.read(text).get() { #expect(read == code, "seed \(seed)") }
            let spoilt = Mutations.spoil(Array(bytes.dropLast(2)), using: &generator)
            if let read = try? PairingCode.read(TestDigest.packed(spoilt)).get() {
                #expect(try PairingCode.read(read.text).get() == read, "seed \(seed)")
            }
        }
    }

    @Test("Printed by accident, it does not give its secret away")
    func printing() throws {
        let code = Self.code(seed: 4)
        var dumped = ""
        dump(code, to: &dumped)
        let shown = dumped + "\(code)" + String(reflecting: code) + "\([code])"
        for group in code.text.split(separator: "-").dropFirst(2) { #expect(!shown.contains(group)) }
        for word in code.words.split(separator: " ") where word.count > 4 { #expect(!shown.contains(word)) }
        #expect(shown.contains(try #require(code.place).inviter.short))
    }
}
