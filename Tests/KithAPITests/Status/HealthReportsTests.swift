// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithSurfaceTesting
import NIOHTTP1
import Testing

@Suite("Figures, the doctor and QR codes for the page", .timeLimit(.minutes(2)))
struct HealthReportsTests {
    @Test("Figures are told to readers, those of keys to the owner alone")
    func vitals() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let key: HTTPHeaders = ["Authorization": "Bearer \(try await node.key([.chat, .read]))"]
            let body = #"{"model":"auto","messages":[{"role":"user","content":"one"}]}"#
            #expect(try await node.send(.POST, "/v1/chat/completions", headers: key, body).status == 200)
            let vitals = try await node.send(.GET, "/api/vitals").json()
            #expect(vitals["engine"]?["state"] == "ready")
            #expect(vitals["answers"]?["completed"] == 1)
            #expect(vitals["breakers"]?.arrayValue?.first?["state"] == "closed")
            #expect(vitals["usage"] == nil)
            let own = try await node.asOwner().send(.GET, "/api/vitals").json()
            #expect(own["usage"]?.arrayValue?.first?["requests"] == 1)
        }
    }

    @Test("A node that is no bridge says so")
    func bridge() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let report = try await node.send(.GET, "/api/bridge").json()
            #expect(report == ["mode": .null])
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
