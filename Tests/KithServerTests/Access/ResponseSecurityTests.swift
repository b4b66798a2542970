// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithModel
import NIOCore
import Testing
@testable import KithServer

@Suite("What browsers are told of every answer")
struct ResponseSecurityTests {
    @Test(
        "TLS is demanded for the future over TLS alone, and not for names that mean every machine itself",
        arguments: [
            ("https", "desk.example", true), ("https", "desk.example:8080", true), ("http", "desk.example", false),
            ("https", "localhost:8080", false), ("https", "127.0.0.1", false), ("https", "[::1]:8080", false),
            ("https", "kith.localhost", false), ("https", nil, false),
        ] as [(String, String?, Bool)])
    func transport(scheme: String, authority: String?, expected: Bool) {
        let head = HTTPRequest(method: .get, scheme: scheme, authority: authority, path: "/")
        #expect(SecuringResponses.demandsTLS(head) == expected)
    }

    @Test("An answer that is written before the framework says the same as one that goes through it")
    func bothWays() throws {
        let reply = try PlainReply(["a": 1])
        let text = String(buffer: reply.http1)
        let stream = String(buffer: PlainReply.eventStreamHead(route: nil, request: .random()))
        for field in ResponseSecurity.fields {
            #expect(text.contains("\r\n\(field.name.rawName): \(field.value)\r\n"))
            #expect(stream.contains("\r\n\(field.name.rawName): \(field.value)\r\n"))
        }
    }
}
