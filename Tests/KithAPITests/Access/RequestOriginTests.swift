// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing
@testable import KithServer

@Suite("Pages of other origins")
struct RequestOriginTests {
    private func refusal(
        _ origin: String?, _ site: String? = nil, host: String? = "localhost:8080", method: HTTPRequest.Method = .post,
        hasKey: Bool = false, isVisit: Bool = false, allowed: (String) -> Bool = { _ in false }
    ) -> AccessRefusal? {
        RequestOrigin(origin: origin, fetchSite: site, host: host, isVisit: isVisit)
            .refusal(of: method, hasKey: hasKey, allowed: allowed)
    }

    @Test(
        "A page of another origin is refused whatever it asks",
        arguments: [
            "https://evil.example", "http://localhost:3000", "http://localhost", "http://127.0.0.1:8080", "null", "",
            "file://", "http://localhost:8080.evil.example", "http://localhost:8080/", "chrome-extension://abc",
            "http://evil.example@localhost:8080", "ftp://localhost:8080",
            "http://" + String(repeating: "a", count: 600),
        ])
    func foreign(origin: String) {
        for method in [.get, .head, .post, .put, .patch, .delete] as [HTTPRequest.Method] {
            #expect(refusal(origin, method: method) == .foreignOrigin(origin))
        }
        #expect(refusal(origin, method: .options) == nil)
        #expect(refusal(origin, hasKey: true) == nil)
        #expect(refusal(origin, allowed: { $0 == origin }) == nil)
    }

    @Test("A browser that says only how far the page is from here is believed")
    func fetchSite() {
        for site in ["cross-site", "same-site", "Cross-Site", "something new"] {
            #expect(refusal(nil, site) == .foreignOrigin("another site"))
        }
        for site in ["same-origin", "none", nil] { #expect(refusal(nil, site) == nil) }
        #expect(refusal("http://localhost:8080", "cross-site") != nil)
    }

    @Test("A link from another page leads here, and nothing else that it loads or sends")
    func visit() {
        #expect(refusal(nil, "cross-site", method: .get, isVisit: true) == nil)
        #expect(refusal(nil, "cross-site", method: .get) != nil)
        #expect(refusal("https://evil.example", "cross-site", method: .get, isVisit: true) != nil)
        #expect(refusal(nil, "cross-site", method: .post, isVisit: true) != nil)
    }

    @Test("This node's own page may do what it likes, and so may programs, which say nothing of pages")
    func own() {
        #expect(refusal("http://localhost:8080", "same-origin") == nil)
        #expect(refusal("https://desk.lan", host: "Desk.lan") == nil)
        #expect(refusal("http://[::1]:8080", host: "[::1]:8080") == nil)
        #expect(refusal(nil, host: nil) == nil)
        #expect(refusal("http://localhost:8080", host: nil) != nil)
    }

    @Test("A node refuses them on every way, changes nothing and says what to do")
    func node() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let chat = #"{"messages":[{"role":"user","content":"x"}]}"#
            let foreign: HTTPHeaders = ["Origin": "https://evil.example"]
            for (path, body) in [
                ("/v1/chat/completions", chat), ("/api/generate", #"{"prompt":"x"}"#),
                ("/api/feedback", #"{"score":1}"#),
            ] {
                let reply = try await node.send(.POST, path, headers: foreign, body)
                #expect(reply.status == 403, "\(path): \(reply.text)")
                #expect(reply.text.contains("https://evil.example"))
                #expect(reply.text.contains("Bearer kith_"))
            }
            let error = try await node.send(.POST, "/v1/embeddings", headers: foreign, "{}").json()["error"]
            #expect(error?["code"] == "foreign_origin")
            #expect(error?["type"] == "permission_error")
            #expect(try await node.send(.GET, "/v1/models", headers: foreign).status == 403)
            #expect(
                try await node.asOwner().send(.POST, "/api/generate", headers: foreign, #"{"prompt":"x"}"#).status
                    == 200)
            let own = "http://127.0.0.1:\(node.address.port)"
            for (type, status) in [("text/plain", 415), ("application/json", 200)] {
                let headers: HTTPHeaders = ["Origin": own, "Content-Type": type]
                let reply = try await node.send(.POST, "/api/generate", headers: headers, #"{"prompt":"x"}"#)
                #expect(reply.status == status)
            }
        }
    }
}
