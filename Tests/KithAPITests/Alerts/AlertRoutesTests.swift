// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithAlerts
import KithDialects
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Synchronization
import Testing

@Suite("Routes of alerts", .timeLimit(.minutes(1)))
struct AlertRoutesTests {
    /// One alert, and the silences that were asked for.
    private final class ToldBoard: AlertBoard {
        let firing = FiringAlerts()
        private let alert: MeshAlert
        private let silences = Mutex<[AlertSilence]>([])

        init() throws {
            let id = try TestID.make(5)
            alert = MeshAlert(
                key: AlertKey(.peerDown, id), state: .firing, severity: .warning,
                name: try #require(NodeName("laptop")),
                since: WallTime(milliseconds: 1_772_366_400_000), detail: "it is down", seenBy: [id], silence: "1")
        }

        func report() async -> AlertReport { AlertReport(alerts: [alert], silences: silences.withLock { $0 }) }

        func silence(_ wish: AlertSilenceWish) async throws(StateRefusal) -> AlertSilence {
            let now = WallTime.epoch
            let silence = AlertSilence(
                id: "1", condition: wish.condition, subject: wish.subject, until: now.advanced(by: wish.duration),
                reason: wish.reason, createdAt: now)
            silences.withLock { $0 = [silence] }
            return silence
        }

        func unsilence(_ id: String) async throws(StateRefusal) -> AlertSilence? {
            silences.withLock { silences in
                defer { silences.removeAll { $0.id == id } }
                return silences.first { $0.id == id }
            }
        }
    }

    private func run(_ body: @Sendable (TestNode) async throws -> Void) async throws {
        try await TestNode.run("desk", engine: nil, alerts: try ToldBoard()) { node in try await body(node.asOwner()) }
    }

    @Test("What needs attention is listed with whom it is about, what was found and what to do")
    func list() async throws {
        try await run { node in
            let report = try await node.send(.GET, "/api/alerts").decode(AlertMessage.Report.self)
            let alert = try #require(report.alerts.first)
            #expect((alert.alert, alert.state, alert.severity) == ("peer-down", "firing", "warning"))
            #expect(alert.subject == .init(id: try TestID.make(5).description, name: "laptop"))
            #expect(alert.text.hasPrefix("laptop does not answer"))
            #expect((alert.detail, alert.silence, alert.until) == ("it is down", "1", nil))
        }
    }

    @Test("A silence is made of a condition and a node by name, and taken back")
    func silence() async throws {
        try await run { node in
            let body = #"{"condition":"disk","subject":"desk","minutes":90,"reason":"moving"}"#
            let reply = try await node.send(.POST, "/api/alerts/silences", body)
            #expect(reply.status == 201)
            let silence = try reply.decode(AlertMessage.Silence.self)
            #expect((silence.condition, silence.subject?.name, silence.reason) == ("disk", "desk", "moving"))
            #expect(silence.until == "1970-01-01T01:30:00.000000Z")
            #expect(try await node.send(.GET, "/api/alerts").decode(AlertMessage.Report.self).silences == [silence])
            let ended = try await node.send(.DELETE, "/api/alerts/silences/1")
            #expect(try ended.decode(AlertMessage.Silence.self) == silence)
            #expect(try await node.send(.DELETE, "/api/alerts/silences/1").status == 404)
        }
    }

    @Test(
        "What cannot be silenced is refused with what would be right",
        arguments: [
            (#"{"minutes":0}"#, "minutes"), (#"{"minutes":1e300}"#, "minutes"),
            (#"{"minutes":5,"condition":"boredom"}"#, "peer-down"), (#"{"minutes":5,"subject":"nobody"}"#, "subject"),
            (#"{"minutes":5,"reason":"\#(String(repeating: "x", count: 600))"}"#, "reason"),
        ])
    func refused(body: String, word: String) async throws {
        try await run { node in
            let reply = try await node.send(.POST, "/api/alerts/silences", body)
            #expect(reply.status == 422)
            #expect(reply.text.contains(word))
        }
    }
}
