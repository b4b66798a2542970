// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Routes that control trust", .timeLimit(.minutes(2)))
struct ControlRoutesTests {
    private let peer: ControlMessage.Peer

    init() throws { peer = try #require(RecordingControl.peer) }

    private func run(
        failure: ControlError? = nil, during body: @Sendable (TestNode, RecordingControl) async throws -> Void
    ) async throws {
        let control = RecordingControl(peer: peer, failure: failure)
        try await TestNode.run(engine: nil, control: control) { node in try await body(node.asOwner(), control) }
    }

    // MARK: What is asked

    @Test("The identity is told with its id in groups, its fingerprint and its addresses")
    func identity() async throws {
        try await run { [peer] node, _ in
            let body = try await node.send(.GET, "/api/identity").json()
            #expect(body["id"]?.stringValue == peer.id.description)
            #expect(body["fingerprint"] == "ab:cd")
            #expect(body["addresses"] == ["192.0.2.1:7443"])
            #expect(body["cloned"] == true)
        }
    }

    @Test("An invitation is made as asked, and its code may not be kept on the way")
    func invitation() async throws {
        try await run { node, control in
            let reply = try await node.send(.POST, "/api/invitations", #"{"tier":"kith","expires_seconds":90}"#)
            #expect(reply.status == 201)
            #expect(reply.headers.first(name: "cache-control") == "no-store")
            #expect(try reply.json()["code"] == "CODE-CODE")
            #expect(try reply.json()["expires_seconds"]?.intValue == 90)
            #expect(control.calls == [.invite(.kith, expiresSeconds: 90)])
        }
    }

    @Test("A code is handed on as it came, and the peer that was joined is told")
    func join() async throws {
        try await run { node, control in
            let reply = try await node.send(.POST, "/api/join", #"{"code":"a-b c"}"#)
            #expect(reply.status == 200)
            #expect(try reply.json()["tier"] == "kin")
            #expect(control.calls == [.join("a-b c")])
        }
    }

    @Test("A peer is woken, and who has sent is told; a refusal keeps its reason")
    func wake() async throws {
        try await run { node, control in
            let body = try await node.send(.POST, "/api/peers/laptop/wake").json()
            #expect(body["sent"] == [["node": "laptop", "networks": ["192.0.2.0/24"]]])
            #expect(body["usual_seconds"] == 8.5)
            #expect(control.calls == [.wake("laptop")])
            #expect(try await node.send(.GET, "/api/peers/laptop/wake").status == 405)
            #expect(try await node.send(.POST, "/api/peers/a%2Fb/wake").status == 404)
        }
        try await run(failure: ControlError(.unreachable, "nobody on its network is up")) { node, _ in
            let reply = try await node.send(.POST, "/api/peers/laptop/wake")
            #expect(reply.status == 502)
            #expect(try reply.json()["error"]?["message"] == "nobody on its network is up")
        }
    }

    @Test("A peer is renamed, moved to another tier, and forgotten, by name, id or short id")
    func changes() async throws {
        try await run { [peer] node, control in
            let id = peer.id.description
            let renamed = try await node.send(.PATCH, "/api/peers/laptop", #"{"name":"desk"}"#)
            let moved = try await node.send(.PATCH, "/api/peers/\(peer.id.short)", #"{"tier":"kith"}"#)
            let forgotten = try await node.send(.DELETE, "/api/peers/\(id)").json()
            #expect([renamed.status, moved.status] == [200, 200])
            #expect(forgotten["id"]?.stringValue == id)
            #expect(
                control.calls == [
                    .change("laptop", name: NodeName("desk"), tier: nil),
                    .change(peer.id.short, name: nil, tier: .kith), .forget(id),
                ])
        }
    }

    @Test("Nodes nearby come with where they were seen and what hinders the search")
    func nearby() async throws {
        try await run { node, _ in
            let body = try await node.send(.GET, "/api/peers/nearby").json()
            #expect(body["problems"] == ["no mDNS daemon answers"])
            #expect(body["nodes"]?.arrayValue?.first?["source"] == "mdns")
            #expect(body["nodes"]?.arrayValue?.first?["addresses"] == ["[fe80::1%eth0]:7443"])
        }
    }

    // MARK: What is refused

    @Test(
        "Each reason has its status and its code",
        arguments: [
            (.malformedCode, 422), (.expiredCode, 410), (.refusedCode, 403), (.wrongNode, 502), (.unreachable, 502),
            (.incompatible, 502), (.tooManyAttempts, 429), (.unknownPeer, 404), (.ambiguousPeer, 409), (.invalid, 422),
        ] as [(ControlError.Code, Int)])
    func failures(code: ControlError.Code, status: Int) async throws {
        try await run(failure: ControlError(code, "what, why, and what to do")) { node, _ in
            let reply = try await node.send(.POST, "/api/join", #"{"code":"x"}"#)
            #expect(reply.status == status)
            #expect(try reply.json()["error"]?["code"]?.stringValue == code.rawValue)
            #expect(try reply.json()["error"]?["message"] == "what, why, and what to do")
        }
    }

    @Test(
        "What cannot be used is refused before anybody is asked, with the field in the message",
        arguments: [
            (.POST, "/api/invitations", "{", 400, "JSON"), (.POST, "/api/invitations", "{}", 400, "tier"),
            (.POST, "/api/invitations", #"{"tier":"friend"}"#, 422, "tier"),
            (.POST, "/api/invitations", #"{"tier":"kin","expires_seconds":0}"#, 422, "expires_seconds"),
            (.POST, "/api/invitations", #"{"tier":"kin","expires_seconds":86401}"#, 422, "expires_seconds"),
            (.POST, "/api/invitations", #"{"tier":"kin","expires_seconds":1e300}"#, 400, "JSON"),
            (.POST, "/api/join", "{}", 400, "code"), (.POST, "/api/join", #"{"code":7}"#, 422, "code"),
            (.POST, "/api/join", #"{"code":"\#(String(repeating: "A", count: 5_000))"}"#, 422, "too long"),
            (.POST, "/api/join", #"{"code":"\#(String(repeating: "A", count: 20_000))"}"#, 413, "16384"),
            (.PATCH, "/api/peers/laptop", "{}", 422, "name"),
            (.PATCH, "/api/peers/laptop", #"{"name":"a b"}"#, 422, "name"),
            (.PATCH, "/api/peers/laptop", #"{"tier":1}"#, 422, "tier"),
            (.DELETE, "/api/peers/a%2Fb", nil, 404, "id"),
            (.DELETE, "/api/peers/\(String(repeating: "a", count: 65))", nil, 404, "id"),
        ] as [(HTTPMethod, String, String?, Int, String)])
    func unusable(method: HTTPMethod, path: String, body: String?, status: Int, mentions: String) async throws {
        try await run { node, control in
            let reply = try await node.send(method, path, body)
            #expect(reply.status == status)
            let error = try reply.json()["error"]
            #expect(error?["message"]?.stringValue?.contains(mentions) == true, "\(error ?? .null)")
            #expect(error?["code"]?.stringValue != nil)
            #expect(control.calls == [])
        }
    }

    @Test(
        "Other methods and other content are refused in the same shape",
        arguments: [
            (.GET, "/api/join", nil, 405, "method_not_allowed"),
            (.POST, "/api/identity", nil, 405, "method_not_allowed"),
            (.GET, "/api/peers/laptop", nil, 405, "method_not_allowed"),
            (.POST, "/api/join", "text/plain", 415, "unsupported_media_type"),
            (.GET, "/api/peers", nil, 404, "not_found"),
        ] as [(HTTPMethod, String, String?, Int, String)])
    func shape(method: HTTPMethod, path: String, contentType: String?, status: Int, code: String) async throws {
        try await run { node, _ in
            let headers: HTTPHeaders = contentType.map { ["Content-Type": $0] } ?? [:]
            let reply = try await node.send(method, path, headers: headers, contentType == nil ? nil : "x")
            #expect(reply.status == status)
            #expect(try reply.json()["error"]?["code"]?.stringValue == code)
        }
    }

    @Test("Spoilt bodies never reach past the decoder unrefused, and never end the node")
    func spoilt() async throws {
        let seed = UInt64.random(in: .min ... .max)
        try await run { node, _ in
            var generator = SeededGenerator(seed: seed)
            for _ in 0..<200 {
                let whole = Array(#"{"tier":"kin","expires_seconds":600}"#.utf8)
                let body = Mutations.spoil(whole, using: &generator)
                let text = String(decoding: body, as: UTF8.self)
                let reply = try await node.send(.POST, "/api/invitations", text)
                #expect([201, 400, 422].contains(reply.status), "seed \(seed): \(text)")
            }
        }
    }
}
