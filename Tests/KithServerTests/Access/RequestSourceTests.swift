// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithModel
import KithTesting
import Testing
@testable import KithServer

@Suite("Where a request comes from")
struct RequestSourceTests {
    private func fields(_ lines: [(String, String)]) throws -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in lines {
            fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        }
        return fields
    }

    private func source(
        _ lines: [(String, String)], over connection: String = "127.0.0.1", trusting proxies: [String] = []
    ) throws -> RequestSource {
        RequestSource(
            try fields(lines), over: AddressRange(connection), trusting: proxies.compactMap { AddressRange($0) })
    }

    @Test(
        "Whatever a proxy writes makes a request one that is not this machine's, however the field is spelt",
        arguments: [
            ("X-Forwarded-For", "203.0.113.9"), ("x-forwarded-for", "127.0.0.1"), ("Forwarded", "for=203.0.113.9"),
            ("Forwarded", "for=127.0.0.1"), ("X-Real-IP", "127.0.0.1"), ("X-Forwarded-Host", "localhost"),
            ("X-Forwarded-Proto", "https"), ("X-Forwarded-Anything", ""), ("Via", "1.1 edge"), ("X-Client-IP", "::1"),
            ("True-Client-IP", "127.0.0.1"), ("CF-Connecting-IP", "127.0.0.1"), ("X-Cluster-Client-IP", "127.0.0.1"),
        ])
    func passedOn(name: String, value: String) throws {
        #expect(try source([(name, value)]).mayBeOfThisMachine == false)
    }

    @Test("Programs' own fields say nothing of proxies")
    func direct() throws {
        let ordinary = [
            "Host", "Accept", "User-Agent", "X-Stainless-Lang", "X-Request-ID", "X-API-Key", "X-Kith-Node",
            "X-Claude-Code-Session-Id", "Content-Type", "Traceparent", "Cookie", "From", "TE", "X-Original", "X-Real",
        ]
        for name in ordinary { #expect(try source([(name, "127.0.0.1")]).passage == .direct, "\(name)") }
    }

    @Test(
        "A named proxy's client is the last that is no proxy itself, in whichever field it is told",
        arguments: [
            ([("X-Forwarded-For", "203.0.113.9")], "203.0.113.9"),
            ([("X-Forwarded-For", "127.0.0.1, 203.0.113.9")], "203.0.113.9"),
            ([("X-Forwarded-For", "203.0.113.9, 10.0.0.1, 127.0.0.1")], "203.0.113.9"),
            ([("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "203.0.113.9:4711")], "203.0.113.9"),
            ([("X-Forwarded-For", "203.0.113.9, 127.0.0.1")], "203.0.113.9"),
            ([("X-Forwarded-For", "127.0.0.1")], "127.0.0.1"),
            ([("X-Forwarded-For", "[2001:db8::9]:4711")], "2001:db8::9"),
            ([("X-Forwarded-For", "::ffff:203.0.113.9")], "203.0.113.9"),
            ([("Forwarded", "for=203.0.113.9;proto=https")], "203.0.113.9"),
            ([("Forwarded", #"proto=http ; For="[2001:db8::9]:4711""#)], "2001:db8::9"),
            ([("Forwarded", #"for=127.0.0.1, for="203.0.113.9:1";by="a,b""#)], "203.0.113.9"),
            ([("X-Real-IP", "203.0.113.9"), ("X-Forwarded-For", "198.51.100.7, 203.0.113.9")], "203.0.113.9"),
            ([("Forwarded", #"for=127.0.0.1;x="\"", for=203.0.113.9"#)], "203.0.113.9"),
            // The proxy sets one field, and passes on the other as the client wrote it.
            ([("Forwarded", "for=127.0.0.1"), ("X-Forwarded-For", "203.0.113.9")], "203.0.113.9"),
        ] as [([(String, String)], String)])
    func named(lines: [(String, String)], client: String) throws {
        let source = try source(lines, trusting: ["127.0.0.1", "10.0.0.0/8"])
        #expect(source.passage == .byNamedProxy)
        #expect(source.address?.description == client)
        #expect(source.mayBeOfThisMachine == (client == "127.0.0.1"))
    }

    @Test(
        "What fields contradict each other about, or do not say, is not believed",
        arguments: [
            [("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=198.51.100.7")],
            [("X-Forwarded-For", "203.0.113.9"), ("X-Real-IP", "198.51.100.7")],
            [("X-Forwarded-For", "127.0.0.1, unknown")], [("X-Forwarded-For", "")], [("Forwarded", "for=_hidden")],
            [("Forwarded", "proto=https")], [("X-Forwarded-Proto", "https")], [("Via", "1.1 edge")],
            [("X-Forwarded-For", "10.0.0.0/8")], [("X-Forwarded-For", "1.2.3.4:x")], [("X-Forwarded-For", "[::1")],
            [("True-Client-IP", "127.0.0.1")],
            // A client's quote that would hide what the proxy has added behind it.
            [("Forwarded", #"for=127.0.0.1;x="a, for=203.0.113.9"#)],
        ] as [[(String, String)]])
    func unclear(lines: [(String, String)]) throws {
        let source = try source(lines, trusting: ["127.0.0.1"])
        #expect(source == RequestSource(address: AddressRange("127.0.0.1"), passage: .passedOn))
    }

    @Test("What another machine's proxy calls loopback is that machine")
    func farLoopback() throws {
        for over in ["127.0.0.1", "10.0.0.1"] {
            let source = try source(
                [("X-Forwarded-For", "127.0.0.1, 10.0.0.9")], over: over, trusting: ["127.0.0.1", "10.0.0.0/8"])
            #expect(!source.mayBeOfThisMachine)
        }
        let direct = try source([("X-Forwarded-For", "127.0.0.1")], over: "10.0.0.1", trusting: ["10.0.0.1"])
        #expect(!direct.mayBeOfThisMachine)
    }

    @Test("The word of a proxy that nobody named does not count, and neither does that of one elsewhere")
    func unnamed() throws {
        let lines = [("X-Forwarded-For", "127.0.0.1")]
        #expect(try source(lines, trusting: ["10.0.0.1"]).mayBeOfThisMachine == false)
        let other = try source(lines, over: "203.0.113.9", trusting: ["127.0.0.1"])
        #expect(other == RequestSource(address: AddressRange("203.0.113.9"), passage: .passedOn))
    }

    @Test("Spoilt fields never make a request of another machine one of this machine")
    func spoilt() throws {
        for seed in UInt64(1)...400 {
            var random = SeededGenerator(seed: seed)
            let honest = #"for="[2001:db8::9]:4711";proto=https, for=203.0.113.9"#
            let bytes = Mutations.spoil(Array(honest.utf8), using: &random)
            let value = String(decoding: bytes.filter { (0x20..<0x7F).contains($0) }, as: UTF8.self)
            let source = try source([("Forwarded", value)])
            #expect(!source.mayBeOfThisMachine, "seed \(seed)")
        }
    }
}
