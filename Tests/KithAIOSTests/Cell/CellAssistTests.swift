// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Help with code at a cell", .timeLimit(.minutes(3)))
struct CellAssistTests {
    @Test("The guide's example is answered with what is true of it, without an engine")
    func example() async throws {
        try await RunningCell.run { cell in
            try await cell.expect(
                .POST, "/code-assist", body: SeedExamples.assist,
                """
                {"action": "analyze", "code_length": 24,
                 "context_keys": ["cursor_position", "file_path", "language"],
                 "suggestions": ["Line 1: function 'function' does nothing: its body is only 'pass'"],
                 "consciousness_level": 3.2, "node": "desk"}
                """)
        }
    }

    @Test("Code without faults is told what was looked at; lengths are code points")
    func faultless() async throws {
        try await RunningCell.run { cell in
            let answer = try await cell.send(.POST, "/code-assist", #"{"code": "é👩‍👩‍👧 = 1", "context": null}"#).json()
            #expect(answer["action"] == "analyze")
            #expect(answer["code_length"] == 10)
            #expect(answer["context_keys"] == [])
            let suggestions = try #require(answer["suggestions"]?.arrayValue)
            #expect(suggestions.count == 1)
            #expect(suggestions.first?.stringValue?.hasPrefix("Nothing stands out in 1 line") == true)
        }
    }

    @Test("What an engine says follows what was found, and it is named")
    func engine() async throws {
        try await RunningCell.run(engine: SayingEngine("- Name the function after what it does.\n- pass\n- Say mo")) {
            cell in
            let answer = try await cell.send(.POST, "/code-assist", SeedExamples.assist).json()
            #expect(
                answer["suggestions"] == [
                    "Line 1: function 'function' does nothing: its body is only 'pass'",
                    "Name the function after what it does.", "Say mo",
                ])
            #expect(answer["model"] == "echo")
            #expect(answer["node"] == "desk")
        }
    }

    @Test("Where an engine's part came from stands in the header, and nothing does when none was asked")
    func route() async throws {
        try await RunningCell.run(engine: SayingEngine("- Yes.")) { cell in
            let reply = try await cell.send(.POST, "/code-assist", SeedExamples.assist)
            #expect(reply.headers.first(name: "x-kith-route")?.hasPrefix("node=desk;") == true)
            #expect(try reply.json()["route"] == nil)
        }
        try await RunningCell.run { cell in
            let reply = try await cell.send(.POST, "/code-assist", SeedExamples.assist)
            #expect(reply.headers.first(name: "x-kith-route") == nil)
        }
    }

    @Test("A client's deadline cuts the listening to an engine short, and what is found without one is said")
    func deadline() async throws {
        let settings = TestEngineSettings(firstTokenDelay: .seconds(60))
        try await RunningCell.run(engine: EchoEngine(setup: .init(settings: settings)), engineLimit: .seconds(60)) {
            cell in
            let reply = try await cell.send(
                .POST, "/code-assist", headers: ["x-kith-timeout": "0.2"], SeedExamples.assist)
            #expect(reply.status == 200)
            #expect(try reply.json()["model"] == nil)
            #expect(try reply.json()["suggestions"]?.arrayValue?.count == 1)
            let nonsense = try await cell.send(
                .POST, "/code-assist", headers: ["x-kith-timeout": "soon"], SeedExamples.assist)
            #expect(nonsense.status == 400)
            #expect(try nonsense.json()["detail"]?.stringValue?.contains("'x-kith-timeout'") == true)
        }
    }

    @Test("An engine of a kin is asked when there is none here")
    func kinEngine() async throws {
        try await TestNode.run("lap", engine: SayingEngine("- From the laptop.")) { other in
            try await RunningCell.run(kin: [other]) { cell in
                let answer = try await cell.send(.POST, "/code-assist", SeedExamples.assist).json()
                #expect(answer["suggestions"]?.arrayValue?.last == "From the laptop.")
                #expect(answer["node"] == "lap")
            }
        }
    }

    @Test("An engine that fails takes nothing away")
    func failingEngine() async throws {
        try await RunningCell.run(engine: SayingEngine(nil)) { cell in
            let reply = try await cell.send(.POST, "/code-assist", SeedExamples.assist)
            #expect(reply.status == 200)
            #expect(try reply.json()["suggestions"]?.arrayValue?.count == 1)
            #expect(try reply.json()["model"] == nil)
        }
    }

    @Test("A slow engine is listened to for as long as there is time, and no longer")
    func slowEngine() async throws {
        let settings = TestEngineSettings(tokensPerSecond: 10)
        let engine = CountEngine(setup: TestEngineSetup(settings: settings))
        try await RunningCell.run(engine: engine, engineLimit: .milliseconds(800)) { cell in
            let reply = try await cell.send(.POST, "/code-assist", SeedExamples.assist)
            #expect(reply.status == 200)
            #expect(try reply.json()["suggestions"]?.arrayValue?.count == 1)
            #expect(try reply.json()["model"] == "count")
            #expect(await eventually { engine.setup.counter.counts.active == 0 })
        }
    }

    static let bad: [(body: String, location: [JSONValue], type: String)] = [
        (#"{"action": "analyze"}"#, ["body", "code"], "missing"),
        (#"{"code": 5}"#, ["body", "code"], "string_type"),
        (#"{"code": null}"#, ["body", "code"], "string_type"),
        (#"{"code": "x", "context": [1]}"#, ["body", "context"], "dict_type"),
        (#"{"code": "x", "context": "python"}"#, ["body", "context"], "dict_type"),
        (#"{"code": "x", "action": 1}"#, ["body", "action"], "string_type"),
        (#"{"code": "x", "action": ""}"#, ["body", "action"], "value_error"),
        (#"{"code": "x", "action": "a\nb"}"#, ["body", "action"], "value_error"),
        (#"{"code": "x", "action": "\#(String(repeating: "a", count: 65))"}"#, ["body", "action"], "value_error"),
        ("[]", ["body"], "model_attributes_type"), ("\"text\"", ["body"], "model_attributes_type"),
    ]

    @Test("A request that cannot be used is refused in FastAPI's words", arguments: bad.indices)
    func refused(index: Int) async throws {
        let (body, location, type) = Self.bad[index]
        try await RunningCell.run { cell in
            let reply = try await cell.send(.POST, "/code-assist", body)
            #expect(reply.status == 422)
            let faults = try #require(try reply.json()["detail"]?.arrayValue)
            #expect(faults.count == 1)
            #expect(faults.first?["loc"] == .array(location))
            #expect(faults.first?["type"] == .string(type))
            #expect(faults.first?["msg"]?.stringValue?.isEmpty == false)
            #expect(faults.first?["input"] != nil)
        }
    }

    @Test("Context members that are not what they should be count for nothing")
    func strangeContext() async throws {
        try await RunningCell.run { cell in
            let body = """
                {"code": "x = (1", "context":
                 {"language": 5, "file_path": [1], "cursor_position": {"line": 1e300, "column": "x"}}}
                """
            let reply = try await cell.send(.POST, "/code-assist", body)
            #expect(reply.status == 200)
        }
    }

    @Test("An action that is not known is passed on")
    func unknownAction() async throws {
        try await RunningCell.run(engine: EchoEngine()) { cell in
            let answer = try await cell.send(
                .POST, "/code-assist", #"{"code": "x = 1", "action": "translate to Rust"}"#
            ).json()
            #expect(answer["action"] == "translate to Rust")
            #expect(
                answer["suggestions"]?.arrayValue?.contains { $0.stringValue?.contains("translate to Rust") == true }
                    == true)
        }
    }
}

/// Says what a test wants to be said, or fails.
private struct SayingEngine: TestEngine {
    let setup = TestEngineSetup()
    let text: String?

    init(_ text: String?) { self.text = text }

    var kind: EngineKind { .echo }

    func script(for request: ChatRequest) -> TestScript { TestScript(tokens: [text ?? ""], limit: .max, stop: []) }

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        guard text != nil else { throw ChatError(.engineError, "out of order") }
        return try await EchoEngine(setup: setup).answer(ChatRequest(messages: [ChatMessage(.user, text ?? "")]))
    }
}
