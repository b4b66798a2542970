// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithPage
import KithServer
import KithSurfaceTesting
import NIOHTTP1
import Testing
@testable import KithAPI

@Suite("The files of the page", .timeLimit(.minutes(2)))
struct PageRoutesTests {
    private static let browser: HTTPHeaders = ["Accept": "text/html,application/xhtml+xml,*/*;q=0.8"]

    @Test(
        "A browser gets the page at / and at the address of each view, and programs get text",
        .enabled(if: Page.index != nil))
    func page() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for path in ["/"] + Page.views.map({ "/ui/" + $0 }) {
                let reply = try await node.send(.GET, path, headers: Self.browser)
                #expect(reply.status == 200)
                #expect(reply.headers.first(name: "content-type") == "text/html; charset=utf-8")
                #expect(reply.headers.first(name: "content-security-policy") == PageSecurity.policy)
                #expect(reply.headers.first(name: "x-content-type-options") == "nosniff")
                #expect(reply.headers.first(name: "referrer-policy") == "no-referrer")
                #expect(reply.headers.first(name: "cross-origin-opener-policy") == "same-origin")
                #expect(reply.headers.first(name: "cache-control") == "no-cache")
            }
            for headers in [[:], ["Accept": "*/*"], ["Accept": "application/json"]] as [HTTPHeaders] {
                let reply = try await node.send(.GET, "/", headers: headers)
                #expect(reply.text.hasPrefix("kith test, node node"))
                #expect(reply.headers.first(name: "vary") == "Accept")
            }
            #expect(try await node.send(.HEAD, "/").status == 200)
            #expect(try await node.send(.GET, "/ui/unknown", headers: Self.browser).status == 404)
        }
    }

    @Test("Everything that the page names is served, for good, and not again to a browser that has it")
    func parts() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for (name, file) in Page.parts {
                let reply = try await node.send(.GET, "/page/" + name)
                #expect(reply.status == 200)
                #expect(reply.text.utf8.elementsEqual(file.bytes))
                #expect(reply.headers.first(name: "content-type") == file.type)
                #expect(reply.headers.first(name: "cache-control")?.contains("immutable") == true)
                let tag = try #require(reply.headers.first(name: "etag"))
                for known in [tag, "W/" + tag, "\"x\", " + tag, "*"] {
                    let again = try await node.send(.GET, "/page/" + name, headers: ["If-None-Match": known])
                    #expect(again.status == 304)
                    #expect(again.text.isEmpty)
                }
                let other = try await node.send(.GET, "/page/" + name, headers: ["If-None-Match": "\"x\""])
                #expect(other.status == 200)
            }
            for path in ["/page/main.js", "/page/..%2findex.html", "/page/"] {
                #expect(try await node.send(.GET, path).status == 404, "\(path)")
            }
            guard let index = Page.index else { return }
            let text = String(decoding: index.bytes, as: UTF8.self)
            let named = text.matches(of: /\/page\/[^"]+/).map { String($0.output.dropFirst("/page/".count)) }
            #expect(named.count >= 3)
            #expect(named.allSatisfy { Page.parts[$0] != nil })
        }
    }

    @Test("Where a key is needed the page is served all the same, but under no foreign name and not on Ollama's port")
    func open() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            let status = try await node.send(.GET, "/", headers: Self.browser).status
            #expect(status == (Page.index == nil ? 401 : 200))
            #expect(try await node.send(.GET, "/").status == 401)
        }
        try await TestNode.run(engine: EchoEngine()) { node in
            var headers = Self.browser
            headers.add(name: "Host", value: "evil.example")
            for path in ["/", "/ui/mesh", "/page/main.js"] {
                let status = try await node.send(.GET, path, headers: headers).status
                #expect(status == 421, "\(path)")
            }
        }
    }
}
