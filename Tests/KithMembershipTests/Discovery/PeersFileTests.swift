// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
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
        "Every way to write the same kin is the same kin",
        arguments: [
            "http://node.local:8080 tier=kin",
            "http://NODE.local:8080/ tier=kin",
            "\u{FEFF}http://node.local:8080 tier=kin",
            "http://node.local:8080/api/generate tier=kin\r\n",
            "http://node.local:8080/api/generate/\ttier=KIN  # comment with key=no",
            "#first\r\n\r\nhttp://node.local:8080/api/generate TIER=kin#\r\n".replacing("kin#", with: "kin #"),
        ])
    func spellings(text: String) {
        let file = read(text)
        #expect(file.problems == [])
        #expect(file.peers == [PeerEndpoint(address: HTTPAddress(host: "node.local", port: 8080), tier: .kin)])
    }

    @Test("A path before the route stays")
    func path() {
        #expect(read("https://host/mind/api/generate").peers.map(\.address.description) == ["https://host/mind"])
    }

    @Test("A key is kept, and may hold a hash sign")
    func key() {
        let peer = read("http://a:1 key=ab#c tier=kin").peers.first
        #expect(peer?.key == Secret("ab#c"))
        #expect(peer?.tier == .kin)
    }

    @Test(
        "A bad line is named with its number and reason, and the others are used",
        arguments: [
            ("localhost:8081", .notAnAddress),
            ("http://user:pw@host:1", .notAnAddress),
            ("http://a:99999", .notAnAddress),
            ("http://b:1 kin", .unknownWord),
            ("http://b:1 sk-12345678901=x", .unknownWord),
            ("http://b:1 teir=kin", .unknownAttribute("teir")),
            ("http://b:1 tier=friend", .unknownTier),
            ("http://b:1 tier=kin tier=kith", .repeatedAttribute("tier")),
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
        let file = read("http://a:1 tier=kin key=one\nhttp://a:1/api/generate tier=kith key=two")
        #expect(file.peers == [PeerEndpoint(address: HTTPAddress(host: "a", port: 1), tier: .kin, key: Secret("one"))])
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
        let file = PeersFile(list: "http://a:1/api/generate, http://b:2 tier=kin ,,ftp://c,")
        #expect(file.peers.map(\.address.description) == ["http://a:1", "http://b:2"])
        #expect(file.peers.map(\.tier) == [.kith, .kin])
        #expect(file.problems == [.init(place: .entry(4), reason: .notAnAddress)])
    }

    @Test("When two sources name a peer, the first source decides")
    func merge() {
        var merged = PeersFile(list: "http://a:1 tier=kin")
        merged.merge(read("http://a:1\nhttp://b:1\nnonsense"))
        #expect(merged.peers.map(\.tier) == [.kin, .kith])
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
