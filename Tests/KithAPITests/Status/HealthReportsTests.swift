// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithSurfaceTesting
import NIOHTTP1
import Testing

@Suite("Figures, the doctor and QR codes for the page", .timeLimit(.minutes(2)))
struct HealthReportsTests {
    private struct Figures: NodeVitalsSource {
        func vitals() async -> NodeVitals {
            var answers = NodeVitals.Answers(completed: 3)
            answers.firstToken.add(.milliseconds(20))
            return NodeVitals(
                engine: .init(kind: "echo", health: .down("gone"), slots: 2, active: 1, queued: 0, queueLimit: 8),
                answers: answers, disk: .init(size: 100, free: 40))
        }
    }

    @Test("Figures are told to readers, where somebody collects them")
    func vitals() async throws {
        try await TestNode.run(engine: EchoEngine(), tools: NodeTools(vitals: Figures())) { node in
            let vitals = try await node.send(.GET, "/api/vitals").json()
            #expect(vitals["engine"]?["state"] == "down")
            #expect(vitals["engine"]?["reason"] == "gone")
            #expect(vitals["answers"]?["completed"] == 3)
            #expect(vitals["answers"]?["first_token"]?["counts"]?.arrayValue?[1] == 1)
            #expect(vitals["disk"]?["free_bytes"] == 40)
            #expect(vitals["degraded"] == nil)
        }
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.GET, "/api/vitals")
            #expect(reply.status == 503)
        }
    }

    @Test("The doctor works for the owner, where the program has one")
    func doctor() async throws {
        let tools = NodeTools(examine: { ["severity": "ok"] })
        try await TestNode.run(engine: EchoEngine(), tools: tools) { node in
            #expect(try await node.send(.POST, "/api/doctor").status == 403)
            let report = try await node.asOwner().send(.POST, "/api/doctor")
            #expect(report.status == 200)
            #expect(try report.json() == ["severity": "ok"])
        }
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.asOwner().send(.POST, "/api/doctor")
            #expect(reply.status == 404)
        }
    }

    @Test("A pairing code comes as a QR code to whoever asks for one")
    func qrCode() async throws {
        try await TestNode.run(engine: nil, tools: NodeTools(qrCode: { _ in ["10", "01"] })) { node in
            let plain = try await node.asOwner().send(.POST, "/api/invitations", #"{"tier":"kin"}"#)
            #expect(try plain.json()["qr_code"] == nil)
            let drawn = try await node.asOwner().send(
                .POST, "/api/invitations", #"{"tier":"kin","with_qr_code":true}"#)
            #expect(try drawn.json()["qr_code"] == ["10", "01"])
        }
    }
}
