// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithStore
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@testable import KithAPI

@Suite("An answer in a conversation", .timeLimit(.minutes(3)))
struct ConversationRoutesTests {
    private static let path = "/api/sessions/kitchen"

    private func ask(_ node: TestNode, _ body: String) async throws -> TestReply {
        try await node.send(.POST, Self.path + "/messages", body)
    }

    /// The events of a stream, by name, with what each says.
    private func events(_ reply: TestReply) throws -> [(String, JSONValue)] {
        try reply.text.split(separator: "\n\n").filter { !$0.hasPrefix(":") }.map { event in
            let lines = event.split(separator: "\n")
            let data = try #require(lines.last?.dropFirst("data: ".count))
            return (
                String(try #require(lines.first).dropFirst("event: ".count)), try JSONValue(parsing: Array(data.utf8))
            )
        }
    }

    @Test func `is told piece by piece, says where it is from, and is kept`() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { node in
            let told = try events(try await ask(node, #"{"message":"one two"}"#))
            #expect(told.first?.0 == "began")
            #expect(told.first?.1["node"]?.stringValue == "desk")
            #expect(told.last?.0 == "done")
            #expect(told.last?.1["kept"] == true)
            let text = told.filter { $0.0 == "text" }.compactMap { $0.1["text"]?.stringValue }.joined()
            #expect(text == "one two")
            let turns = try await node.services.store.history(session: try #require(SessionID("kitchen")), limit: 10)
            #expect(turns.map(\.text) == ["one two", "one two"])
            #expect(try await node.send(.GET, Self.path + "/answer").status == 204)
        }
    }

    @Test func `goes on when the one who asked has gone, and is followed from its beginning by who comes back`()
        async throws
    {
        try await TestNode.run(
            "desk", engine: EchoEngine(setup: TestEngineSetup(settings: TestEngineSettings(tokensPerSecond: 20)))
        ) { node in
            let words = (1...30).map(String.init).joined(separator: " ")
            let question = Task { try await ask(node, #"{"message":"\#(words)"}"#) }
            try await untilAnswering(node)
            question.cancel()
            let told = try events(try await node.send(.GET, Self.path + "/answer"))
            #expect(told.first?.0 == "question")
            #expect(told.first?.1["message"]?.stringValue == words)
            #expect(told.filter { $0.0 == "text" }.compactMap { $0.1["text"]?.stringValue }.joined() == words)
            #expect(told.last?.0 == "done")
        }
    }

    @Test func `is stopped by who asked and by the owner, and by nobody else`() async throws {
        try await TestNode.run(
            "desk", engine: EchoEngine(setup: TestEngineSetup(settings: TestEngineSettings(tokensPerSecond: 5)))
        ) { node in
            let words = (1...200).map(String.init).joined(separator: " ")
            let question = Task { try await ask(node, #"{"message":"\#(words)"}"#) }
            try await untilAnswering(node)
            let other: HTTPHeaders = ["Authorization": "Bearer \(try await node.key([.chat]))"]
            #expect(try await node.send(.GET, Self.path + "/answer", headers: other).status == 204)
            #expect(try await node.send(.DELETE, Self.path + "/answer", headers: other).status == 204)
            #expect(try await ask(node, #"{"message":"again"}"#).status == 409)
            #expect(try await node.asOwner().send(.DELETE, Self.path + "/answer").status == 204)
            let told = try events(try await question.value)
            #expect(told.last?.1["finish"]?.stringValue == "stopped")
            let turns = try await node.services.store.history(session: try #require(SessionID("kitchen")), limit: 10)
            #expect(turns.count == 2)
            #expect((turns.last?.text.count ?? 0) < words.count)
        }
    }

    @Test func `that breaks off ends with an error, never as if it were whole`() async throws {
        try await TestNode.run("desk", engine: BreakingEngine(words: 2)) { node in
            let told = try events(try await ask(node, #"{"message":"one two three"}"#))
            #expect(told.last?.0 == "error")
            #expect(told.last?.1["message"]?.stringValue?.isEmpty == false)
        }
    }

    @Test(
        "is not begun for what cannot be asked",
        arguments: [
            #"{}"#, #"{"message":"  "}"#, #"{"message":"x","images":["http://127.0.0.1/x.png"]}"#,
            #"{"message":"x","images":["data:image/svg+xml;base64,AA=="]}"#,
        ])
    func refused(body: String) async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { node in
            let reply = try await ask(node, body)
            #expect((400..<500).contains(reply.status), "\(reply.text)")
        }
    }

    @Test func `is dropped with its conversation, and does not bring it back`() async throws {
        try await TestNode.run(
            "desk", engine: EchoEngine(setup: TestEngineSetup(settings: TestEngineSettings(tokensPerSecond: 5)))
        ) {
            node in
            _ = try await ask(node, #"{"message":"one"}"#)
            let words = (1...200).map(String.init).joined(separator: " ")
            let question = Task { try await ask(node, #"{"message":"\#(words)"}"#) }
            try await untilAnswering(node)
            #expect(try await node.asOwner().send(.DELETE, Self.path).status == 204)
            _ = try await question.value
            #expect(try await node.asOwner().send(.GET, Self.path).status == 404)
        }
    }

    @Test func `can be asked for again as soon as the last one has ended`() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { node in
            for _ in 0..<50 {
                let status = try await ask(node, #"{"message":"one"}"#).status
                #expect(status == 200)
            }
        }
    }

    @Test func `takes one of few places of who asks, and leaves the owner's to the owner`() throws {
        let answers = RunningAnswers()
        for _ in 0..<RunningAnswers.askerLimit {
            try answers.add(RunningAnswer(session: .random(), asker: .local, question: []))
        }
        #expect(throws: RunningAnswers.Refusal.tooMany) {
            try answers.add(RunningAnswer(session: .random(), asker: .local, question: []))
        }
        try answers.add(RunningAnswer(session: .random(), asker: .key("k"), question: []))
        try answers.add(RunningAnswer(session: .random(), asker: .owner, question: []))
    }

    @Test func `keeps within its limit, and says so`() {
        let answer = RunningAnswer(session: .random(), asker: .local, question: [])
        let half = [UInt8](repeating: 0x20, count: RunningAnswer.limit / 2 + 1)
        #expect(answer.tell(half))
        #expect(!answer.tell(half))
    }

    private func untilAnswering(_ node: TestNode) async throws {
        while node.services.engine.status().active == 0 { try await Task.sleep(for: .milliseconds(5)) }
    }
}
