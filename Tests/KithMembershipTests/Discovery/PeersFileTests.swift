// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Testing

@Suite("Peers files")
struct PeersFileTests {
    private func read(_ text: String) -> PeersFile { PeersFile(bytes: text.utf8) }

    @Test("The seeds' file is read: one URL a line, comments and blank lines skipped, every peer kith")
    func seedFile() {
        let file = read(
            """
            # Peers of this instance

            http://localhost:8081/api/generate
               http://localhost:8082/api/generate   # the third
            """)
        #expect(file.problems.isEmpty)
        #expect(file.peers.map(\.address.description) == ["http://localhost:8081", "http://localhost:8082"])
        #expect(file.peers.allSatisfy { $0.tier == .kith && $0.key == nil })
    }

    @Test(
        "Every way to write the same service is the same service",
        arguments: [
            "http://node.local:8080 tier=kith",
            "http://NODE.local:8080/ tier=kith",
            "\u{FEFF}http://node.local:8080 tier=kith",
            "http://node.local:8080/api/generate tier=kith\r\n",
            "http://node.local:8080/api/generate/\ttier=KITH  # comment with key=no",
            "#first\r\n\r\nhttp://node.local:8080/api/generate TIER=kith#\r\n".replacing("kith#", with: "kith #"),
        ])
    func spellings(text: String) {
        let file = read(text)
        #expect(file.problems == [])
        #expect(file.peers == [PeerEndpoint(address: HTTPAddress(host: "node.local", port: 8080), tier: .kith)])
    }

    @Test("A path before the route stays")
    func path() {
        #expect(read("https://host/mind/api/generate").peers.map(\.address.description) == ["https://host/mind"])
    }

    @Test("A key is kept, and may hold a hash sign")
    func key() {
        let peer = read("http://a:1 key=ab#c tier=kith").peers.first
        #expect(peer?.key == Secret("ab#c"))
    }

    @Test("A service that is written down as kin is used as kith, and its owner is told how kin are paired")
    func kin() throws {
        let file = read("http://a:1 tier=kin key=x\nhttp://b:1")
        #expect(file.peers.map(\.tier) == [.kith, .kith])
        #expect(file.peers.first?.key == Secret("x"))
        #expect(file.problems == [PeersFile.Problem(place: .line(1), reason: .kinArePaired)])
        let words = try #require(file.problems.first?.description)
        #expect(words.contains("kith invite") && words.contains("kith join"))
    }

    private static let id = NodeID(digest: Array(repeating: 7 as UInt8, count: 32))

    @Test(
        "A kith node's address suggests its peer port",
        arguments: [
            ("kith://laptop.local", "laptop.local:7443"), ("KITH://Laptop.local:7444/", "laptop.local:7444"),
            ("laptop.local:7444", "laptop.local:7444"), ("192.168.1.20:7443 # desk", "192.168.1.20:7443"),
            ("kith://[fe80::1%eth0]:9", "[fe80::1%eth0]:9"), ("[fd00::2]:7443", "[fd00::2]:7443"),
        ])
    func nodes(line: String, address: String) {
        let file = read(line)
        #expect(file.problems == [])
        #expect(file.peers.isEmpty)
        #expect(file.suggestions.map(\.address.description) == [address])
    }

    @Test("The id that is expected there goes with the suggestion")
    func id() throws {
        let id = try #require(Self.id)
        #expect(read("kith://a id=\(id)").suggestions.map(\.id) == [id])
        #expect(read("a:1 ID=\("\(id)".lowercased().replacing("-", with: ""))").suggestions.map(\.id) == [id])
    }

    @Test(
        "A node's line that is wrong is named with its reason",
        arguments: [
            ("kith://", .notAnAddress), ("kith://a/b", .notAnAddress), ("kith://u@a", .notAnAddress),
            ("kith://a:0", .notAnAddress), ("a", .notAnAddress), ("a:99999", .notAnAddress),
            ("a:1 tier=kin", .unknownNodeAttribute("tier")), ("a:1 key=x", .unknownNodeAttribute("key")),
            ("a:1 word", .unknownNodeWord), ("a:1 id=short", .unusableID), ("good.local:7443", .duplicate(of: 1)),
            ("kith://good.local id=x id=y", .repeatedAttribute("id")),
        ] as [(String, PeersFile.Problem.Reason)])
    func badNode(line: String, reason: PeersFile.Problem.Reason) {
        let file = read("kith://good.local\n\(line)\nlast:1")
        #expect(file.problems == [PeersFile.Problem(place: .line(2), reason: reason)])
        #expect(file.suggestions.map(\.address.host) == ["good.local", "last"])
    }

    @Test("A service and a peer port at one address are two things")
    func both() {
        let file = read("http://a:7443\na:7443")
        #expect(file.problems.isEmpty)
        #expect(file.peers.count == 1 && file.suggestions.count == 1)
    }

    @Test("Spoilt text is read or refused, and never traps", arguments: 1...20 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let text = "http://a:1 tier=kin key=k\nkith://[fe80::1%eth0]:9 id=\(try #require(Self.id))\nb:2\n"
        for _ in 0..<300 {
            let file = PeersFile(bytes: Mutations.spoil(Array(text.utf8), using: &generator))
            #expect(file.suggestions.allSatisfy { (1...65_535).contains($0.address.port) })
        }
    }

    @Test(
        "A bad line is named with its number and reason, and the others are used",
        arguments: [
            ("localhost", .notAnAddress),
            ("http://user:pw@host:1", .notAnAddress),
            ("http://a:99999", .notAnAddress),
            ("http://b:1 kin", .unknownWord),
            ("http://b:1 sk-12345678901=x", .unknownWord),
            ("http://b:1 teir=kin", .unknownAttribute("teir")),
            ("http://b:1 tier=friend", .unknownTier),
            ("http://b:1 tier=kith tier=kith", .repeatedAttribute("tier")),
            ("http://b:1 key=", .unusableKey),
            ("http://b:1 key=a\u{7}b", .unusableKey),
            ("http://good:1/api/generate", .duplicate(of: 1)),
        ] as [(String, PeersFile.Problem.Reason)])
    func badLine(line: String, reason: PeersFile.Problem.Reason) {
        let file = read("http://good:1\n\(line)\nhttp://last:1")
        #expect(file.problems == [PeersFile.Problem(place: .line(2), reason: reason)])
        #expect(file.peers.map(\.address.host) == ["good", "last"])
        #expect(file.problems.first?.description.hasPrefix("line 2: ") == true)
    }

    @Test("Of two lines for one address the first is used, also when they differ")
    func firstWins() {
        let file = read("http://a:1 key=one\nhttp://a:1/api/generate tier=kith key=two")
        #expect(file.peers == [PeerEndpoint(address: HTTPAddress(host: "a", port: 1), tier: .kith, key: Secret("one"))])
        #expect(file.problems.map(\.reason) == [.duplicate(of: 1)])
    }

    @Test("A line that is not UTF-8 is refused alone")
    func notUTF8() {
        let file = PeersFile(bytes: Array("http://a:1\nhttp://".utf8) + [0xFF, 0xFE] + Array("\nhttp://b:1".utf8))
        #expect(file.peers.map(\.address.host) == ["a", "b"])
        #expect(file.problems.map(\.reason) == [.notUTF8])
    }

    @Test("A file over the limit is not used at all, and lines over the limit are not used")
    func limits() {
        let large = PeersFile(bytes: Array(repeating: UInt8(ascii: "#"), count: PeersFile.maximumBytes + 1))
        #expect(large.problems == [PeersFile.Problem(place: .whole, reason: .tooLarge)])
        let lines = (1...PeersFile.maximumLines + 5).map { "http://a:\($0)" }.joined(separator: "\n")
        let long = read(lines)
        #expect(long.peers.count == PeersFile.maximumLines)
        #expect(long.problems == [.init(place: .line(PeersFile.maximumLines + 1), reason: .tooManyLines)])
    }

    @Test("A comma-separated list is read by the same rules")
    func list() {
        let file = PeersFile(list: "http://a:1/api/generate, http://b:2 key=k ,d:3,ftp://c,")
        #expect(file.peers.map(\.address.description) == ["http://a:1", "http://b:2"])
        #expect(file.suggestions.map(\.address.description) == ["d:3"])
        #expect(file.problems == [.init(place: .entry(4), reason: .notAnAddress)])
    }

    @Test("When two sources name a peer, the first source decides")
    func merge() {
        var merged = PeersFile(list: "http://a:1 key=first,c:1")
        merged.merge(read("http://a:1\nhttp://b:1\nnonsense\nc:1\nd:1"))
        #expect(merged.peers.map(\.key) == [Secret("first"), nil])
        #expect(merged.suggestions.map(\.address.host) == ["c", "d"])
        #expect(merged.problems.map(\.place) == [.line(3)])
    }

    @Test("No problem's text holds any part of a key", arguments: ["key=", "tier=", "kye=", "", "api_key="])
    func secrecy(prefix: String) {
        let text = """
            http://a:1 key=s3cr3t key=s3cr3t
            http://a:1 \(prefix)s3cr3t\u{7F}
            http://a:1 \(prefix)s3cr3t
            s3cr3t
            http://s3cr3t@host
            """
        let problems = read(text).problems.map(\.description)
        #expect(problems.count >= 3)
        #expect(!problems.joined().contains("s3cr3t"))
        #expect(!"\(read(text))".contains("s3cr3t"))
    }
}
