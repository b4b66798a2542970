// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing
@testable import KithAPI

@Suite("What is new of the peers")
struct PeerNewsTests {
    private func status(_ peers: [NodeStatus.Peer], draining: Bool = false, uptime: Double = 1) -> NodeStatus {
        NodeStatus(
            node: "desk", version: "1", address: "", uptimeSeconds: uptime, level: 1, draining: draining,
            engine: NodeStatus.Engine(
                kind: nil, state: "none", reason: "", models: [], slots: 1, active: 0, queued: 0),
            peers: peers, sessions: 0, turnCount: 0, valence: 0)
    }

    private func peer(
        _ name: String, active: Int = 0, latency: Double? = 10, seen: Double = 0, state: String = "up"
    ) -> NodeStatus.Peer {
        NodeStatus.Peer(
            id: "id-" + name, name: name, address: "", tier: "kin", state: state, models: [], active: active, slots: 1,
            latencyMilliseconds: latency, lastSeenSeconds: seen, reason: nil)
    }

    /// The news of one status after another, as kinds and names.
    private func news(_ statuses: [NodeStatus]) -> [[String]] {
        var news = PeerNews()
        return statuses.map { status in
            news.events(status).map { event in
                let name = event.fields["name"]?.stringValue ?? event.fields["node"]?.stringValue ?? ""
                return "\(event.kind.rawValue) \(name)" + (event.fields["gone"] == true ? " gone" : "")
            }
        }
    }

    @Test("All at first, then what has changed, and who has gone")
    func changes() {
        let (a, b) = (peer("a"), peer("b"))
        let told = news([
            status([a, b]), status([a, b], uptime: 9), status([a, peer("b", active: 1)]),
            status([a, peer("b", active: 1, state: "down")], draining: true), status([a], draining: true),
        ])
        #expect(
            told == [["node desk", "mesh a", "mesh b"], [], ["mesh b"], ["node desk", "mesh b"], ["mesh b gone"]])
    }

    @Test("That time passes is no news, nor is a latency that is about the same")
    func quiet() {
        let latencies: [(Double?, Bool)] = [
            (10, true), (12, false), (12.6, true), (12.7, false), (nil, true), (0.5, true), (1.4, false),
        ]
        let told = news(latencies.enumerated().map { status([peer("a", latency: $1.0, seen: Double($0))]) })
        for (told, wanted) in zip(told.dropFirst(), latencies.dropFirst()) {
            #expect(told.contains("mesh a") == wanted.1, "\(wanted)")
        }
    }
}
