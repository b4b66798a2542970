// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import Testing

@Suite("Peers as a table")
struct PeersReportTests {
    private func lines(_ peers: [NodeStatus.Peer]) -> [String] {
        PeersReport(peers, width: nil, style: .plain).lines
    }

    private func peer(
        state: String = "up", addresses: [String] = ["192.0.2.1:7443"], versions: String? = nil, reason: String? = nil
    ) -> NodeStatus.Peer {
        NodeStatus.Peer(
            id: "ABCDEFG-HIJKLMN", name: "laptop", address: "http://192.0.2.1", addresses: addresses, tier: "kin",
            state: state, level: 1.5, versions: versions, models: ["m"], active: 1, slots: 4, latencyMilliseconds: 2.25,
            lastSeenSeconds: 3, reason: reason)
    }

    @Test("Each peer has its short id, level, latency, age and addresses")
    func whole() {
        #expect(
            lines([peer(addresses: ["192.0.2.1:7443", "[2001:db8::1]:7443"])]) == [
                "ID       NAME    TIER  STATE  LEVEL  LOAD  LATENCY     SEEN  MODELS  "
                    + "ADDRESSES                           WHY",
                "ABCDEFG  laptop  kin   up       1.5   1/4  2.25 ms  3 s ago  m       192.0.2.1:7443, [2001:db8::1]:7443",
            ])
    }

    @Test("In a narrow terminal addresses and reason stand below their peer, and a long name is cut")
    func narrow() {
        var long = peer(state: "down", reason: "nobody listens there")
        long.name = String(repeating: "n", count: 64)
        let lines = PeersReport([long], width: 80, style: .plain).lines
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(lines.suffix(2) == ["         192.0.2.1:7443", "         nobody listens there"])
    }

    @Test("A peer without peer addresses is shown with the one it has")
    func plain() { #expect(lines([peer(addresses: [])]).last?.contains("http://192.0.2.1") == true) }

    @Test("An incompatible peer is shown with both versions and what to do, not as dead")
    func incompatible() {
        let line = lines([peer(state: "incompatible", versions: "1 here, 2 there")]).last
        #expect(line?.contains("incompatible") == true)
        #expect(line?.contains("1 here, 2 there; update the older node") == true)
    }

    @Test("A cloned peer is told loudly below the table")
    func cloned() {
        #expect(lines([peer(state: "cloned")]).last?.hasPrefix("CLONED: two running nodes") == true)
    }
}
