// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithServer
import KithSurfaceTesting
import NIOHTTP1
import Testing
@testable import KithAPI

@Suite("Signing in to the page", .timeLimit(.minutes(2)))
struct PageSessionTests {
    private static let session = "/api/page/session"

    private func bearer(_ key: String) -> HTTPHeaders { ["Authorization": "Bearer \(key)"] }

    /// What a browser of the node's own page sends with a cookie.
    private func browser(_ node: TestNode, _ signed: SignedIn, site: String = "same-origin") -> HTTPHeaders {
        ["Cookie": signed.cookie, "Sec-Fetch-Site": site, "X-Kith-Page": signed.proof]
    }

    private struct SignedIn {
        var cookie: String
        var proof: String
    }

    private func signedIn(_ reply: TestReply) throws -> SignedIn {
        let field = try #require(reply.headers.first(name: "set-cookie"))
        let location = reply.headers.first(name: "location")
        let proof = try location.map { String($0.dropFirst(2)) } ?? #require(try reply.json()["proof"]?.stringValue)
        return SignedIn(cookie: String(field.prefix { $0 != ";" }), proof: proof)
    }

    private func signIn(_ node: TestNode, _ key: String) async throws -> SignedIn {
        let reply = try await node.send(.POST, Self.session, headers: bearer(key))
        #expect(reply.status == 201, "\(reply.text)")
        return try signedIn(reply)
    }

    @Test("A cookie opens what its key opens, for the page itself and for nobody else")
    func key() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            let cookie = try await signIn(node, try await node.key([.read]))
            #expect(try await node.send(.GET, "/api/status", headers: browser(node, cookie)).status == 200)
            #expect(try await node.send(.GET, "/api/keys", headers: browser(node, cookie)).status == 403)
            for site in ["same-site", "cross-site"] {
                let reply = try await node.send(.GET, "/api/status", headers: browser(node, cookie, site: site))
                #expect(reply.status == 403)
            }
            #expect(try await node.send(.GET, "/api/status", headers: ["Cookie": cookie.cookie]).status == 401)
            let other: HTTPHeaders = [
                "Cookie": cookie.cookie, "Origin": "http://127.0.0.1:1", "X-Kith-Page": cookie.proof,
            ]
            #expect(try await node.send(.GET, "/api/status", headers: other).status == 403)
            // What a program on another port is sent by the same browser.
            let stolen: HTTPHeaders = ["Cookie": cookie.cookie, "Sec-Fetch-Site": "same-origin", "X-Kith-Page": "1"]
            #expect(try await node.send(.GET, "/api/status", headers: stolen).status == 401)
            var wrong = cookie
            wrong.cookie = wrong.cookie.uppercased()
            #expect(try await node.send(.GET, "/api/status", headers: browser(node, wrong)).status == 401)
        }
    }

    @Test("A cookie counts as long as its key does")
    func revoked() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            let key = try await node.key([.read])
            let cookie = try await signIn(node, key)
            let id = try #require(try await node.services.access.keys.records().first).id
            _ = try await node.services.access.keys.revoke(id, now: .now())
            let reply = try await node.send(.GET, "/api/status", headers: browser(node, cookie))
            #expect(reply.status == 401)
            #expect(reply.text.contains("sign in again"))
            let again = try await node.send(.POST, Self.session, headers: bearer(key))
            #expect(again.status == 401)
        }
    }

    @Test("What changes something needs the page's own field", arguments: [true, false])
    func changes(requiresKey: Bool) async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: requiresKey) }) { node in
            let cookie = try await signIn(node, AccessControl.token.reveal())
            let body = #"{"draining":false}"#
            var headers = browser(node, cookie)
            #expect(try await node.send(.PUT, "/api/drain", headers: headers, body).status == 200)
            headers.remove(name: "x-kith-page")
            let refused = try await node.send(.PUT, "/api/drain", headers: headers, body).status
            #expect(refused == (requiresKey ? 401 : 403))
        }
    }

    @Test("Everybody is told who they are to the node, and nobody else's name")
    func who() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            let nobody = try await node.send(.GET, Self.session)
            #expect(nobody.status == 200)
            #expect(try nobody.json() == ["caller": "nobody", "scopes": [], "signed_in": false])
            let cookie = try await signIn(node, try await node.key([.read, .chat]))
            let own = try await node.send(.GET, Self.session, headers: browser(node, cookie)).json()
            #expect(own["caller"] == "key")
            #expect(own["scopes"] == ["chat", "read"])
            #expect(own["signed_in"] == true)
            #expect(own["node"] == "node")
            let out = try await node.send(.DELETE, Self.session, headers: browser(node, cookie))
            #expect(out.status == 204)
            #expect(try #require(out.headers.first(name: "set-cookie")).contains("Max-Age=0"))
            #expect(try await node.send(.GET, "/api/status", headers: browser(node, cookie)).status == 401)
        }
        try await TestNode.run(engine: EchoEngine()) { node in
            let local = try await node.send(.GET, Self.session).json()
            #expect(local["caller"] == "local")
            #expect(local["scopes"] == ["chat", "assist", "sync", "peer", "read"])
            let foreign = try await node.send(.GET, Self.session, headers: ["Host": "evil.example"])
            #expect(foreign.status == 421)
        }
    }

    @Test("Nobody signs in without a key, nor for a page of another origin")
    func refused() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for headers in [[:], bearer("kith_wrong"), bearer("unused")] as [HTTPHeaders] {
                #expect(try await node.send(.POST, Self.session, headers: headers).status == 401)
            }
            var headers = bearer(try await node.key([.read]))
            for site in ["same-site", "cross-site"] {
                headers.replaceOrAdd(name: "Sec-Fetch-Site", value: site)
                #expect(try await node.send(.POST, Self.session, headers: headers).status == 403)
            }
        }
    }

    @Test("The owner's link signs in once and leaves the address; a key cannot make one")
    func link() async throws {
        let trail = RecordingTrail()
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true, audit: trail) }) { node in
            let key = try await node.key([.admin])
            #expect(try await node.send(.POST, "/api/page/links", headers: bearer(key), "{}").status == 403)
            let made = try await node.asOwner().send(.POST, "/api/page/links", "{}")
            #expect(made.status == 201)
            guard case .string(let path)? = try made.json()["path"] else { Issue.record("no path"); return }
            #expect(try await node.send(.HEAD, path).status == 403)
            let opened = try await node.send(.GET, path)
            #expect(opened.status == 303)
            #expect(opened.headers.first(name: "location")?.hasPrefix("/#") == true)
            #expect(opened.headers.first(name: "cache-control") == "no-store")
            let headers = browser(node, try signedIn(opened))
            #expect(try await node.send(.GET, "/api/keys", headers: headers).status == 200)
            let again = try await node.send(.GET, path)
            #expect(again.status == 403)
            #expect(again.headers.first(name: "set-cookie") == nil)
            #expect(trail.lines.map(\.kind) == [.clientRefused, .linkCreated, .sessionOpened])
        }
    }

    @Test("On a loopback address a cookie adds to what programs may do there, and takes nothing away when it has ended")
    func loopback() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let cookie = try await signIn(node, AccessControl.token.reveal())
            #expect(try await node.send(.GET, "/api/keys", headers: browser(node, cookie)).status == 200)
            let site = browser(node, cookie, site: "same-site")
            #expect(try await node.send(.GET, "/api/keys", headers: site).status == 403)
            var other = cookie
            other.proof += "x"
            let ended = browser(node, other)
            #expect(try await node.send(.GET, "/api/status", headers: ended).status == 200)
            #expect(try await node.send(.GET, "/api/keys", headers: ended).status == 403)
            var foreign = browser(node, cookie)
            foreign.add(name: "Host", value: "evil.example")
            #expect(try await node.send(.GET, "/api/keys", headers: foreign).status == 421)
        }
    }
}
