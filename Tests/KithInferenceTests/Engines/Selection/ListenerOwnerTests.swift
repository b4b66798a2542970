// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing
@testable import KithInference

@Suite("Who listens at an engine's port")
struct ListenerOwnerTests {
    /// As Linux writes them: port 11434 is 2CAA.
    private static let head =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"

    private func line(_ place: String, state: String = "0A", user: Int) -> String {
        "   0: \(place) 00000000:0000 \(state) 00000000:00000000 00:00000000 00000000 \(user)        0 4711 1 0 100 0 0 10 0"
    }

    private func listeners(_ lines: String...) -> Set<UInt32> {
        SocketTable.listeners(at: 11_434, in: [([Self.head] + lines).joined(separator: "\n")])
    }

    @Test("A listener on loopback or on every address is found, of either family, and no other socket")
    func tables() {
        #expect(listeners(line("0100007F:2CAA", user: 998)) == [998])
        #expect(listeners(line("00000000:2CAA", user: 1001)) == [1001])
        #expect(listeners(line("00000000000000000000000001000000:2CAA", user: 1002)) == [1002])
        #expect(listeners(line("00000000000000000000000000000000:2CAA", user: 1003)) == [1003])
        #expect(listeners(line("0000000000000000FFFF00000100007F:2CAA", user: 1004)) == [1004])
        #expect(listeners(line("0100007F:2CAA", user: 0), line("00000000:2CAA", user: 7)) == [0, 7])
        #expect(listeners(line("0100007F:2CAA", state: "01", user: 998)).isEmpty, "a connection")
        #expect(listeners(line("0100007F:2CAB", user: 998)).isEmpty, "another port")
        #expect(listeners(line("0701A8C0:2CAA", user: 998)).isEmpty, "another address")
    }

    @Test("Spoilt tables name nobody, and stop nothing")
    func spoilt() {
        for seed in UInt64(1)...200 {
            var random = SeededGenerator(seed: seed)
            let bytes = Mutations.spoil(Array(line("0100007F:2CAA", user: 998).utf8), using: &random)
            let users = SocketTable.listeners(at: 11_434, in: [String(decoding: bytes, as: UTF8.self)])
            #expect(users.count <= 1, "seed \(seed)")
        }
    }

    @Test(
        "The node's own user, root and the engine's own service may be given prompts, and nobody else",
        arguments: [
            (1000, "me", true), (0, "root", true), (998, "ollama", true), (1001, "ollama", false),
            (998, "games", false),
            (1001, "mallory", false), (65_534, "nobody", false), (997, nil, false),
        ] as [(UInt32, String?, Bool)])
    func trust(user: UInt32, name: String?, expected: Bool) {
        #expect(ListenerOwner(userID: user, name: name).isTrusted(asUserOf: "ollama", own: 1000) == expected)
    }
}
