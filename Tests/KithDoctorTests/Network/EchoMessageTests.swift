// SPDX-License-Identifier: Apache-2.0

import KithTesting
import Testing

@testable import KithDoctor

@Suite("The messages of ping")
struct EchoMessageTests {
    private static let cookie: [UInt8] = [1, 2, 3, 4]

    @Test("The checksum is that of RFC 1071's example")
    func checksum() {
        #expect(EchoMessage.checksum([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]) == ~0xDDF2)
    }

    @Test("A request with its checksum sums up to nothing")
    func request() {
        let request = EchoMessage.request(cookie: Self.cookie, isIPv6: false)
        #expect(EchoMessage.checksum(request) == 0)
        #expect(request.first == 8)
    }

    @Test("A reply is known by its cookie, with and without an IP header", arguments: [false, true])
    func reply(_ hasHeader: Bool) {
        let header: [UInt8] = hasHeader ? [0x45] + [UInt8](repeating: 0, count: 19) : []
        let reply = header + [0, 0, 0, 0, 0, 0, 0, 1] + Self.cookie
        #expect(EchoMessage.isReply(reply, to: Self.cookie, isIPv6: false))
        #expect(!EchoMessage.isReply(reply, to: [4, 3, 2, 1], isIPv6: false))
    }

    @Test("One's own request, as loopback shows it, is no reply")
    func echo() {
        let request = EchoMessage.request(cookie: Self.cookie, isIPv6: true)
        #expect(!EchoMessage.isReply(request, to: Self.cookie, isIPv6: true))
        #expect(EchoMessage.isReply([129] + request.dropFirst(), to: Self.cookie, isIPv6: true))
    }

    @Test("Spoilt packets never trap")
    func hostile() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let reply = [0x4F] + [UInt8](repeating: 0, count: 59) + [0, 0, 0, 0, 0, 0, 0, 1] + Self.cookie
        for _ in 0..<2_000 {
            let packet = Mutations.spoil(reply, using: &generator)
            _ = EchoMessage.isReply(packet, to: Self.cookie, isIPv6: false)
            _ = EchoMessage.isReply(packet, to: Self.cookie, isIPv6: true)
        }
    }
}
