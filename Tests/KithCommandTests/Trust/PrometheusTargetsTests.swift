// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import Testing

@Suite("Nodes for Prometheus' file discovery")
struct PrometheusTargetsTests {
    private func peer(
        _ name: String, tier: String = "kin", client: String?, addresses: [String] = ["192.168.1.5:7443"]
    ) -> NodeStatus.Peer {
        var peer = NodeStatus.Peer(
            name: name, address: addresses.first ?? "", addresses: addresses, tier: tier, state: "up", models: [],
            active: 0,
            slots: 1, latencyMilliseconds: nil, lastSeenSeconds: nil, reason: nil)
        peer.clientAddress = client
        return peer
    }

    private func status(_ address: String, _ peers: [NodeStatus.Peer] = []) -> NodeStatus {
        NodeStatus(
            node: "desk", version: "1", address: address, uptimeSeconds: 1, level: 1,
            engine: .init(kind: nil, state: "none", reason: "", models: [], slots: 0, active: 0, queued: 0),
            peers: peers,
            sessions: 0, turnCount: 0, valence: 0)
    }

    @Test(
        "The node itself is reached from its own machine",
        arguments: [
            ("https://0.0.0.0:8080", "127.0.0.1:8080", "https"), ("http://127.0.0.1:8081", "127.0.0.1:8081", "http"),
            ("https://[::]:8080", "[::1]:8080", "https"), ("https://desk.lan:8080", "desk.lan:8080", "https"),
        ])
    func own(address: String, target: String, scheme: String) {
        let targets = PrometheusTargets(status(address))
        #expect(
            targets.groups == [
                PrometheusTargets.Group(targets: [target], labels: ["__scheme__": scheme, "kith_node": "desk"])
            ])
        #expect(targets.problems.isEmpty)
    }

    @Test("Kin are reached where their peer port is, at the port for clients; others are not asked")
    func kin() {
        let targets = PrometheusTargets(
            status(
                "http://127.0.0.1:8080",
                [
                    peer("laptop", client: "https://0.0.0.0:9000"), peer("named", client: "https://10.0.0.9:8443"),
                    peer("friend", tier: "kith", client: "https://0.0.0.0:9000"),
                    peer("neighbour", client: "http://127.0.0.1:8082", addresses: ["127.0.0.1:7444"]),
                ]))
        #expect(
            targets.groups.dropFirst().flatMap(\.targets) == ["192.168.1.5:9000", "10.0.0.9:8443", "127.0.0.1:8082"])
        #expect(targets.problems.isEmpty)
    }

    @Test("Kin that cannot be reached are named, and why")
    func problems() {
        let targets = PrometheusTargets(
            status(
                "http://127.0.0.1:8080",
                [
                    peer("old", client: nil), peer("shy", client: "http://127.0.0.1:8080"),
                    peer("odd", client: "nonsense"),
                ]))
        #expect(targets.groups.count == 1)
        #expect(targets.problems.map { $0.prefix { $0 != ":" } } == ["old", "shy", "odd"])
    }
}
