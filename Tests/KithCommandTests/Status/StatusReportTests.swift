// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import Testing

@Suite("Status for people")
struct StatusReportTests {
    private func status(
        peers: [NodeStatus.Peer] = [], valence: Double = 0.25, uptime: Double = 65
    ) -> NodeStatus {
        NodeStatus(
            node: "desk", version: "1.0", address: "http://127.0.0.1:8080", uptimeSeconds: uptime, level: 1,
            engine: .init(
                kind: "echo", state: "ready", reason: "configured", models: ["echo"], slots: 4, active: 1, queued: 2),
            peers: peers, sessions: 2, turnCount: 9, valence: valence)
    }

    private let laptop = NodeStatus.Peer(
        name: "laptop", address: "http://127.0.0.1:8081", tier: "kin", state: "down", models: [], active: 0, slots: 0,
        latencyMilliseconds: nil, lastSeenSeconds: 3_700, reason: "refused")

    @Test("Node, engine, state and peers stand one below the other")
    func whole() {
        let lines = StatusReport(status(peers: [laptop]), width: nil, style: .plain).lines
        #expect(
            lines == [
                "desk  http://127.0.0.1:8080  kith 1.0  up 1 min",
                "engine  echo, ready, 1 of 4 slots busy, 2 waiting",
                "        configured",
                "models  echo",
                "state   2 sessions, 9 turns, mood even (0.25 of -1 to 1), level 1",
                "",
                "ID  NAME    TIER  STATE  LEVEL  LOAD  LATENCY           SEEN  MODELS  ADDRESSES              WHY",
                "-   laptop  kin   down       -     -        -  1 h 1 min ago  -       http://127.0.0.1:8081  refused",
            ])
    }

    @Test("A node that drains says so, and a peer that does stands so in the table")
    func draining() {
        var status = status(peers: [laptop])
        status.draining = true
        status.peers[0].state = "up"
        status.peers[0].draining = true
        let lines = StatusReport(status, width: nil, style: .plain).lines
        let alone = "paused  no other machine can answer, so this one still takes prompts; kith pause --off ends that"
        #expect(lines.contains(alone))
        #expect(lines.last?.contains("laptop  kin   paused") == true)
        status.peers[0].draining = nil
        status.peers[0].models = ["m"]
        #expect(
            StatusReport(status, width: nil, style: .plain).lines.contains(
                "paused  new prompts go to your other machines; kith pause --off ends that"))
        status.peers[0].models = []
        status.peers[0].state = "down"
        #expect(StatusReport(status, width: nil, style: .plain).peerLines.last?.contains("kin   down") == true)
    }

    @Test("A node without peers is told how to get some")
    func noPeers() {
        #expect(
            StatusReport(status(), width: 80, style: .plain).peerLines.first?.contains("kith setup --yes --lan") == true
        )
    }

    @Test(
        "Numbers are short, and none of those a node can send traps",
        arguments: [
            (0.25, "0.25"), (-0.5, "-0.5"), (12, "12"), (0.004, "0"), (-0.004, "0"), (0.05, "0.05"), (1e300, "?"),
            (.nan, "?"), (-.infinity, "?"),
        ] as [(Double, String)])
    func numbers(value: Double, text: String) {
        let lines = StatusReport(status(valence: value, uptime: value), width: nil, style: .plain).lines
        #expect(lines.contains { $0.contains("(\(text) of -1 to 1),") })
    }
}
