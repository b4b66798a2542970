// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithMembership
import KithModel
import KithPeers
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Kin answer for each other", .timeLimit(.minutes(2)))
struct FailoverTests {
    private let question = #"{"messages":[{"role":"user","content":"hello kin"}]}"#
    private let streamed = #"{"stream":true,"messages":[{"role":"user","content":"hello kin"}]}"#

    @Test("A node without an engine answers through its kin and says so", arguments: [true, false])
    func throughKin(streams: Bool) async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { [question, streamed] desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                let reply = try await laptop.send(.POST, "/v1/chat/completions", streams ? streamed : question)
                #expect(reply.status == 200)
                #expect(streams ? reply.text.contains("kin") : reply.text.contains("hello kin"))
                let route = try #require(reply.headers.first(name: "x-kith-route"))
                #expect(route.hasPrefix(#"node=desk; model="echo"; reason=only-candidate"#))
                #expect(route.contains("laptop:no-engine"))
            }
        }
    }

    @Test("Embeddings come from kin too, the same in float and base64")
    func embeddings() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                let here = try await desk.send(.POST, "/v1/embeddings", #"{"input":["a","b"]}"#).json()
                let there = try await laptop.send(.POST, "/v1/embeddings", #"{"input":["a","b"]}"#).json()
                #expect(here["data"] == there["data"])
                #expect(here["data"]?.arrayValue?.count == 2)
            }
        }
    }

    @Test(
        "Whatever a kin answers is a sign of life: it keeps one that restarted from counting as gone",
        arguments: [
            ("/v1/chat/completions", #"{"messages":[{"role":"user","content":"hello kin"}]}"#),
            ("/v1/chat/completions", #"{"stream":true,"messages":[{"role":"user","content":"hello kin"}]}"#),
            ("/v1/embeddings", #"{"input":["a","b"]}"#),
            ("/v1/messages/count_tokens", #"{"model":"echo","messages":[{"role":"user","content":"hello kin"}]}"#),
        ])
    func signOfLife(path: String, question: String) async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                let before = try #require(laptop.mesh.membership.member(desk.id)?.lastHeard)
                #expect(try await laptop.send(.POST, path, question).status == 200)
                #expect(try #require(laptop.mesh.membership.member(desk.id)?.lastHeard) > before)
            }
        }
    }

    @Test("A prompt in the moment after pairing waits until the kin has told what it has")
    func justPaired() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { [question] desk in
            try await TestNode.run("laptop", engine: nil) { laptop in
                try await desk.trust(laptop)
                try await laptop.trust(desk)
                #expect(try await laptop.send(.POST, "/v1/chat/completions", question).status == 200)
            }
        }
    }

    @Test("A request whose node fails before the first token is answered by another", arguments: [true, false])
    func alternate(streams: Bool) async throws {
        try await TestNode.run("good", engine: EchoEngine()) { [question, streamed] good in
            try await TestNode.run("bad", engine: BreakingEngine(words: 0)) { bad in
                try await TestNode.run("asked", engine: nil, kin: [bad, good]) { asked in
                    for _ in 0..<6 {
                        let reply = try await asked.send(.POST, "/v1/chat/completions", streams ? streamed : question)
                        #expect(reply.status == 200)
                        #expect(reply.headers.first(name: "x-kith-route")?.hasPrefix("node=good;") == true)
                    }
                }
            }
        }
    }

    @Test("A plain answer that breaks in the middle is whole all the same")
    func plainAnswerGoesOn() async throws {
        try await TestNode.run("good", engine: EchoEngine()) { [question] good in
            try await TestNode.run("bad", engine: BreakingEngine(words: 2)) { bad in
                try await TestNode.run("asked", engine: nil, kin: [bad, good]) { asked in
                    for _ in 0..<6 {
                        let reply = try await asked.send(.POST, "/v1/chat/completions", question)
                        let message = try reply.json()["choices"]?.arrayValue?.first?["message"]
                        #expect(message?["content"] == "hello kin")
                    }
                }
            }
        }
    }

    @Test("What no node could answer is not tried twice")
    func hopelessRequests() async throws {
        let refusal = ChatError(.invalidRequest, "too much to ask")
        try await TestNode.run("good", engine: EchoEngine()) { [question] good in
            try await TestNode.run("asked", engine: BreakingEngine(words: 0, failure: refusal), kin: [good]) {
                asked in
                let reply = try await asked.send(.POST, "/v1/chat/completions", question)
                #expect(reply.status == 400)
                #expect(try reply.json()["error"]?["message"] == "too much to ask")
            }
        }
    }

    @Test("A request for a named node goes there or fails, and says why")
    func pinned() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { [question] desk in
            try await TestNode.run("laptop", engine: EchoEngine(), kin: [desk]) { laptop in
                let there = try await laptop.send(
                    .POST, "/v1/chat/completions", headers: ["x-kith-node": "desk"], question)
                #expect(there.headers.first(name: "x-kith-route")?.hasPrefix("node=desk;") == true)
                let nowhere = try await laptop.send(
                    .POST, "/v1/chat/completions", headers: ["x-kith-node": "attic"], question)
                #expect(nowhere.status == 404)
                #expect(nowhere.text.contains("attic"))
                let nonsense = try await laptop.send(
                    .POST, "/v1/chat/completions", headers: ["x-kith-node": "a b"], question)
                #expect(nonsense.status == 400)
            }
        }
    }
}
