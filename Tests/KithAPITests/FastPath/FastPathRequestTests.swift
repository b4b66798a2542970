// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTP1
import Testing
@testable import KithAPI
@testable import KithServer

@Suite("What is answered before the framework")
struct FastPathRequestTests {
    private static let usual = [
        ("Host", "desk:8080"), ("Content-Type", "application/json"), ("Content-Length", "42"), ("Accept", "*/*"),
    ]

    private func request(
        _ more: [(String, String)] = [], without name: String = "", method: HTTPMethod = .POST,
        uri: String = "/v1/chat/completions", version: HTTPVersion = .http1_1
    ) -> FastPathRequest? {
        let fields = HTTPHeaders(Self.usual.filter { $0.0 != name } + more)
        return FastPathRequest(
            HTTPRequestHead(version: version, method: method, uri: uri, headers: fields), bodyLimit: 65_536)
    }

    @Test("A plain chat completion, with the key and the wishes that it shows")
    func plain() throws {
        let plain = try #require(request())
        #expect(plain.host == "desk:8080")
        #expect(plain.shown.key == nil)
        #expect(plain.wishes.isEmpty)
        let wishing = try #require(
            request([("authorization", "Bearer kith_1"), ("X-Kith-Node", "laptop"), ("Connection", "Keep-Alive")]))
        #expect(wishing.shown.key?.text == "kith_1")
        #expect(wishing.wishes == [.kithNode: "laptop"])
        #expect(request([("x-api-key", "kith_2")])?.shown.key?.text == "kith_2")
    }

    @Test("The path without the version is the same one")
    func bare() {
        #expect(request(uri: "/chat/completions") != nil)
        #expect(request(uri: "/chat/completions/") == nil)
    }

    @Test(
        "Whatever is unusual is for the framework",
        arguments: [
            ("", ["Connection": "close"]), ("", ["Connection": "upgrade"]), ("", ["Upgrade": "websocket"]),
            ("", ["Expect": "100-continue"]), ("", ["Origin": "http://desk:8080"]),
            ("", ["Sec-Fetch-Site": "cross-site"]), ("", ["X-Forwarded-For": "127.0.0.1"]), ("", ["Via": "1.1 edge"]),
            ("", ["Forwarded": "for=x"]), ("", ["X-Real-IP": "::1"]), ("", ["x-forwarded-proto": "https"]),
            ("", ["Host": "another"]), ("", ["Content-Length": "42"]),
            ("Host", [:]), ("Content-Length", [:]), ("Content-Length", ["Content-Length": "-1"]),
            ("Content-Length", ["Content-Length": "65537"]), ("Content-Length", ["Content-Length": "4x"]),
            ("Content-Length", ["Transfer-Encoding": "chunked"]), ("Content-Type", ["Content-Type": "text/plain"]),
            ("", ["X-Kith-Node": "a\u{0}b"]),
        ] as [(String, [String: String])])
    func unusual(without name: String, more: [String: String]) {
        #expect(request(more.map { ($0.key, $0.value) }, without: name) == nil)
    }

    @Test("Two keys of one kind are for the framework, too")
    func twoKeys() {
        for name in ["Authorization", "X-API-Key"] {
            #expect(request([(name, "Bearer a"), (name, "Bearer b")]) == nil)
        }
    }

    @Test("Another method, path or version is for the framework")
    func otherHeads() {
        #expect(request(method: .GET) == nil)
        #expect(request(uri: "/v1/chat/completions?x=1") == nil)
        #expect(request(uri: "http://desk:8080/v1/chat/completions") == nil)
        #expect(request(version: .http1_0) == nil)
    }
}

@Suite("The rest of a connection")
struct IdleTimeoutTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000)
    private let head = HTTPServerRequestPart.head(.init(version: .http1_1, method: .GET, uri: "/"))

    @Test("Is over when nothing has come for as long as the limit")
    func over() {
        var rest = IdleTimeout(limit: .seconds(60), now: start)
        #expect(rest.nextCheck == start + .seconds(60))
        rest.wasActive(now: start + .seconds(30))
        var isOver = rest.isOver(now: start + .seconds(60))
        #expect(!isOver)
        #expect(rest.nextCheck == start + .seconds(90))
        isOver = rest.isOver(now: start + .seconds(90))
        #expect(isOver)
    }

    @Test("Does not begin while a client waits for its answer, and begins with the answer's end")
    func waiting() {
        var rest = IdleTimeout(limit: .seconds(60), now: start)
        rest.received(head)
        rest.received(.end(nil))
        var isOver = rest.isOver(now: start + .seconds(600))
        #expect(!isOver)
        #expect(rest.nextCheck == start + .seconds(660))
        rest.answered(now: start + .seconds(650))
        isOver = rest.isOver(now: start + .seconds(660))
        #expect(!isOver)
        isOver = rest.isOver(now: start + .seconds(710))
        #expect(isOver)
    }

    @Test("Is over in the middle of a request that does not go on, even when an earlier one is being answered")
    func stopped() {
        var rest = IdleTimeout(limit: .seconds(60), now: start)
        rest.received(head)
        rest.received(.end(nil))
        rest.received(head)
        let isOver = rest.isOver(now: start + .seconds(60))
        #expect(isOver)
    }
}
