// SPDX-License-Identifier: Apache-2.0

import KithTesting
import Testing
@testable import KithServer

@Suite("Names under which a loopback listener is asked for")
struct HostNamesTests {
    @Test(
        "Names that no name server can point elsewhere are this machine",
        arguments: [
            "localhost", "LocalHost:8080", "localhost.", "kith.localhost:1", "127.0.0.1", "127.0.0.1:8080",
            "127.255.0.9:80", "[::1]", "[::1]:8080",
        ])
    func own(authority: String) {
        #expect(HostNames().contains(authority: authority))
    }

    @Test(
        "Any other name is not, however it looks",
        arguments: [
            "", ":", ":80", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "127.0.0.256", "127.0.0", "127.0.0.", "127..0.1", "128.0.0.1", "10.0.0.1:8080", "0.0.0.0", "[::2]", "[::1",
            "::1x", "localhost:8080evil", "localhost:80:80", "localhost ", "notlocalhost", "127.+0.0.1",
            "\u{661}27.0.0.1",
        ])
    func foreign(authority: String) {
        #expect(!HostNames().contains(authority: authority))
    }

    @Test("Names that the owner added are, in any case and with any port")
    func added() {
        let names = HostNames(["Desk.lan", "fd00::7", "192.0.2.5"])
        for authority in ["desk.lan", "DESK.lan:8080", "desk.lan.", "[fd00::7]:80", "192.0.2.5:1"] {
            #expect(names.contains(authority: authority), "\(authority)")
        }
        #expect(!names.contains(authority: "sub.desk.lan"))
    }

    @Test("Spoilt names are answered and never by accident with yes", arguments: [1, 2, 3] as [UInt64])
    func spoilt(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let added = HostNames(["desk.lan"])
        for _ in 0..<3_000 {
            let bytes = Mutations.spoil(Array("evil.example:8080".utf8), using: &generator)
            let authority = String(decoding: bytes, as: UTF8.self)
            let isNamed = authority.contains("localhost") || authority.contains("127.") || authority.contains("::1")
            #expect(!added.contains(authority: authority) || isNamed, "seed \(seed): \(authority)")
        }
    }
}
