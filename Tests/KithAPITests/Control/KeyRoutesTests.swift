// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithDialects
import KithInference
import KithModel
import KithServer
import KithSurfaceTesting
import NIOHTTP1
import Testing

@Suite("Routes for keys", .timeLimit(.minutes(2)))
struct KeyRoutesTests {
    private let owner: HTTPHeaders = ["Authorization": "Bearer \(AccessControl.token.reveal())"]

    @Test("A key is shown once, counts at once, is listed without its secret, and ends when it is revoked")
    func life() async throws {
        let trail = RecordingTrail()
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true, audit: trail) }) { node in
            let reply = try await node.send(
                .POST, "/api/keys", headers: owner, #"{"name":"phone","scopes":["read","chat"],"expires_seconds":60}"#)
            #expect(reply.status == 201)
            #expect(reply.headers.first(name: "cache-control") == "no-store")
            let made = try reply.decode(ControlMessage.NewKey.self)
            #expect(made.key.hasPrefix("kith_"))
            #expect(made.details.scopes == [.chat, .read])
            #expect(made.details.state == .usable)
            let holder: HTTPHeaders = ["X-API-Key": made.key]
            #expect(try await node.send(.GET, "/v1/models", headers: holder).status == 200)

            let list = try await node.send(.GET, "/api/keys", headers: owner)
            #expect(try list.decode(ControlMessage.Keys.self).keys.map(\.id) == [made.details.id])
            let secret = try #require(made.key.split(separator: "_").last)
            #expect(!list.text.contains(secret))

            let path = "/api/keys/\(made.details.id)"
            #expect(try await node.send(.DELETE, path, headers: holder).status == 403)
            let ended = try await node.send(.DELETE, path, headers: owner)
            #expect(try ended.decode(ControlMessage.Key.self).state == .revoked)
            #expect(try await node.send(.GET, "/v1/models", headers: holder).status == 401)
            #expect(try await node.send(.DELETE, path, headers: owner).status == 200)
            #expect(trail.lines.map(\.kind) == [.keyCreated, .clientRefused, .keyRevoked, .clientRefused])
            #expect(!trail.lines.contains { "\($0)".contains(secret) })
        }
    }

    @Test("A key with the scope admin may do what the owner may, on loopback too")
    func admin() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            #expect(try await node.send(.GET, "/api/keys").status == 403)
            let key: HTTPHeaders = ["X-API-Key": try await node.key([.admin])]
            #expect(try await node.send(.GET, "/api/keys", headers: key).status == 200)
            #expect(try await node.send(.GET, "/api/status", headers: key).status == 403)
        }
    }

    @Test(
        "A key that cannot be made is refused with the reason",
        arguments: [
            (#"{"scopes":["chat"]}"#, "name"), (#"{"name":"","scopes":["chat"]}"#, "name"),
            (#"{"name":"\u0000","scopes":["chat"]}"#, "name"), (#"{"name":"n","scopes":[]}"#, "scopes"),
            (#"{"name":"n","scopes":["king"]}"#, "scopes"), (#"{"name":"n"}"#, "scopes"),
            (#"{"name":"n","scopes":["chat"],"expires_seconds":0}"#, "expires_seconds"),
            (#"{"name":"n","scopes":["chat"],"expires_seconds":1e300}"#, "expires_seconds"),
            ("[]", "object"), ("{", "JSON"),
        ])
    func refused(body: String, mentions: String) async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.POST, "/api/keys", headers: owner, body)
            #expect([400, 422].contains(reply.status), "\(reply.text)")
            #expect(try reply.json()["error"]?["message"]?.stringValue?.contains(mentions) == true, "\(reply.text)")
            #expect(try await node.services.access.keys.records().isEmpty)
        }
    }

    @Test("Revoking a key that never was says so")
    func unknown() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.DELETE, "/api/keys/nobody", headers: owner)
            #expect(reply.status == 404)
            #expect(try reply.json()["error"]?["code"] == "unknown_key")
        }
    }
}
