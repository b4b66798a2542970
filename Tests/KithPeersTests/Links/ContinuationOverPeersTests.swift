// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithPeers
import KithSurfaceTesting
import KithTransport
import NIOCore
import NIOHTTP1
import Testing

@Suite("Kin go on with each other's answers", .timeLimit(.minutes(2)))
struct ContinuationOverPeersTests {
    private let path = "/v1/chat/completions"
    private let words = "one two three four five six"

    private func body(stream: Bool) -> String {
        #"{"stream":\#(stream),"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"\#(words)"}]}"#
    }

    private func chunks(_ text: String) throws -> [JSONValue] {
        try text.split(separator: "\n\n").filter { $0.hasPrefix("data: {") }
            .map { try JSONBody.decode(JSONValue.self, from: Array($0.dropFirst(6).utf8)) }
    }

    private func text(_ chunks: [JSONValue]) -> String {
        chunks.compactMap { $0["choices"]?.arrayValue?.first?["delta"]?["content"]?.stringValue }.joined()
    }

    @Test("A streamed answer that breaks off is whole, says who went on, and adds up its usage")
    func streamed() async throws {
        try await TestNode.run("good", engine: EchoEngine()) { good in
            try await TestNode.run("asked", engine: BreakingEngine(words: 3), kin: [good]) { asked in
                let undisturbed = try chunks(
                    try await asked.send(
                        .POST, path, headers: ["x-kith-node": "good"], body(stream: true)
                    ).text)
                let reply = try await asked.send(.POST, path, body(stream: true))
                let heard = try chunks(reply.text)
                #expect(text(heard) == words)
                #expect(heard.last?["usage"] == undisturbed.last?["usage"])
                let notes = heard.compactMap { $0["x_kith"]?["continued"] }
                #expect(notes.map { $0["node"] } == ["good"])
                #expect(notes.map { $0["after_tokens"] } == [3])
                #expect(notes.map { $0["reason"] } == ["interrupted"])
                #expect(reply.text.hasSuffix("data: [DONE]\n\n"))
            }
        }
    }

    @Test("A plain answer that breaks off is whole too, and the route says who went on")
    func plain() async throws {
        try await TestNode.run("good", engine: EchoEngine()) { good in
            try await TestNode.run("asked", engine: BreakingEngine(words: 3), kin: [good]) { asked in
                let reply = try await asked.send(.POST, path, body(stream: false))
                let message = try reply.json()["choices"]?.arrayValue?.first?["message"]
                #expect(message?["content"]?.stringValue == words)
                #expect(reply.headers.first(name: "x-kith-route")?.contains(#"continued-on="good""#) == true)
            }
        }
    }

    @Test("x-kith-continue: off leaves an answer that breaks off broken, and other values are refused")
    func switchedOff() async throws {
        try await TestNode.run("good", engine: EchoEngine()) { good in
            try await TestNode.run("asked", engine: BreakingEngine(words: 3), kin: [good]) { asked in
                let reply = try await asked.send(
                    .POST, path, headers: ["x-kith-continue": "off"], body(stream: true))
                #expect(try chunks(reply.text).last?["error"] != nil)
                #expect(!reply.text.contains("[DONE]"))
                let nonsense = try await asked.send(
                    .POST, path, headers: ["x-kith-continue": "maybe"], body(stream: true))
                #expect(nonsense.status == 400)
            }
        }
    }

    @Test("A kin that membership finds dead has its answers gone on with at once")
    func membership() async throws {
        let slow = CountEngine(
            setup: TestEngineSetup(settings: TestEngineSettings(tokensPerSecond: 20)))
        let question = #"{"stream":true,"max_tokens":40,"messages":[{"role":"user","content":"count"}]}"#
        try await TestNode.run("first", engine: slow) { first in
            try await TestNode.run("second", engine: slow) { second in
                try await TestNode.run("asked", engine: nil, kin: [first, second]) { asked in
                    let upstream = UpstreamClient()
                    let response = try await upstream.stream(
                        UpstreamRequest(
                            .POST, asked.address, path: "/v1/chat/completions",
                            body: ByteBuffer(string: question), limits: UpstreamLimits(firstByte: .seconds(20))))
                    let route = response.headers.first(name: "x-kith-route") ?? ""
                    let answering = route.hasPrefix("node=first") ? first : second
                    var heard = ""
                    for try await piece in response.body {
                        heard += String(buffer: piece)
                        // As when membership finds it dead while its connection still stands.
                        if heard.contains(#"content":" 5""#) { asked.mesh.lost(answering.id) }
                    }
                    #expect(text(try chunks(heard)) == (1...40).map(String.init).joined(separator: " "))
                    #expect(heard.contains("x_kith"))
                }
            }
        }
    }
}
