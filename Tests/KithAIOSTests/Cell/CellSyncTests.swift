// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithAPI
import KithModel
import KithStore
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Levels and context at a cell", .timeLimit(.minutes(3)))
struct CellSyncTests {
    @Test("The guide's example tells both sides what is known, and is kept")
    func example() async throws {
        try await RunningCell.run { cell in
            try await cell.expect(
                .POST, "/sync-consciousness", body: SeedExamples.sync,
                """
                {"old_level": 3.2, "new_level": 2.5, "context_processed": true,
                 "levels": {"desk": 2.5, "vscode-agent-laptop": 2.5}}
                """)
            #expect(try await cell.send(.GET, "/health").json()["consciousness_level"] == 2.5)
            let entries = cell.node.services.state.context()
            #expect(entries.map(\.key) == ["branch", "timestamp"])
            #expect(entries.first?.values.map(\.value) == ["AIOS-win-0"])
            #expect(entries.first?.values.map(\.source) == [.named("vscode-agent-laptop")])
        }
    }

    @Test("Without a context only the level changes, and a number may be text")
    func levelOnly() async throws {
        try await RunningCell.run { cell in
            try await cell.expect(
                .POST, "/sync-consciousness", body: #"{"level": "4.5"}"#,
                #"{"old_level": 3.2, "new_level": 4.5, "context_processed": false, "levels": {"desk": 4.5}}"#)
            try await cell.expect(
                .POST, "/sync-consciousness", body: #"{"level": 0, "context": null, "source": null}"#,
                #"{"old_level": 4.5, "new_level": 0, "context_processed": false, "levels": {"desk": 0}}"#)
            try await cell.expect(
                .POST, "/sync-consciousness", body: #"{"level": 10, "context": {}, "source": "a"}"#,
                #"{"old_level": 0, "new_level": 10, "context_processed": true, "levels": {"desk": 10, "a": 10}}"#)
        }
    }

    @Test("The context's own source counts more than the body's, and an unnamed caller is a client")
    func sources() async throws {
        try await RunningCell.run { cell in
            _ = try await cell.send(
                .POST, "/sync-consciousness",
                #"{"level": 1, "context": {"k": 1, "source": "inner"}, "source": "outer"}"#)
            _ = try await cell.send(.POST, "/sync-consciousness", #"{"level": 2, "context": {"m": 1}}"#)
            let entries = cell.node.services.state.context()
            #expect(entries.map { $0.values.map(\.source) } == [[.named("inner")], [.named("client")]])
            #expect(cell.service.levels() == ["desk": 2, "inner": 1])
        }
    }

    @Test(
        "A level that is none is refused and named",
        arguments: [
            (#"{"level": -0.1}"#, "value_error", "-0.1"), (#"{"level": 10.01}"#, "value_error", "10.01"),
            (#"{"level": "nan"}"#, "value_error", #""nan""#), (#"{"level": "inf"}"#, "value_error", #""inf""#),
            (#"{"level": "high"}"#, "float_parsing", #""high""#), (#"{"level": true}"#, "float_type", "true"),
            (#"{"level": null}"#, "float_type", "null"), (#"{"level": [1]}"#, "float_type", "[1]"),
            (#"{"context": {}}"#, "missing", #"{"context": {}}"#),
        ])
    func badLevels(body: String, type: String, input: String) async throws {
        try await RunningCell.run { cell in
            let reply = try await cell.send(.POST, "/sync-consciousness", body)
            #expect(reply.status == 422)
            let fault = try #require(try reply.json()["detail"]?.arrayValue?.first)
            #expect(fault["loc"] == ["body", "level"])
            #expect(fault["type"] == .string(type))
            #expect(
                fault["input"].map(Self.written)
                    == (input.hasPrefix("\"")
                        ? String(input.dropFirst().dropLast()) : Self.written(try JSONSample.read(input))))
            #expect(cell.service.level == 3.2)
        }
    }

    private static func written(_ value: JSONValue) -> String {
        if case .string(let text) = value { text } else { "\(value)" }
    }

    static let badContexts: [(body: String, location: [JSONValue])] = [
        (#"{"level": 1, "context": []}"#, ["body", "context"]),
        (#"{"level": 1, "context": "text"}"#, ["body", "context"]),
        (#"{"level": 1, "context": {"": 1}}"#, ["body", "context"]),
        (#"{"level": 1, "context": {"a\u0007": 1}}"#, ["body", "context"]),
        (#"{"level": 1, "context": {"\#(String(repeating: "k", count: 129))": 1}}"#, ["body", "context"]),
        (#"{"level": 1, "context": {"k": "\#(String(repeating: "v", count: 16 << 10))"}}"#, ["body", "context", "k"]),
        (
            "{\"level\": 1, \"context\": {\((0...64).map { "\"k\($0)\": 1" }.joined(separator: ","))}}",
            ["body", "context"]
        ),
        (#"{"level": 1, "context": {"source": "a\u0000b"}}"#, ["body", "context", "source"]),
        (#"{"level": 1, "source": "\#(String(repeating: "s", count: 129))"}"#, ["body", "source"]),
        (#"{"level": 1, "source": 5}"#, ["body", "source"]),
    ]

    @Test("A context or a source that cannot be kept is refused whole", arguments: badContexts.indices)
    func refusedContexts(index: Int) async throws {
        let (body, location) = Self.badContexts[index]
        try await RunningCell.run { cell in
            let reply = try await cell.send(.POST, "/sync-consciousness", body)
            #expect(reply.status == 422)
            #expect(try reply.json()["detail"]?.arrayValue?.first?["loc"] == .array(location))
            #expect(cell.service.level == 3.2)
            #expect(cell.node.services.state.context().isEmpty)
        }
    }

    @Test("Nobody can speak as a node")
    func nodeNames() async throws {
        try await RunningCell.run { cell in
            let body = #"{"level": 1, "source": "\#(cell.node.id)"}"#
            let reply = try await cell.send(.POST, "/sync-consciousness", body)
            #expect(reply.status == 422)
            #expect(cell.service.level == 3.2)
        }
    }

    @Test("What comes twice under one key counts once")
    func delivery() async throws {
        try await RunningCell.run { cell in
            let headers: HTTPHeaders = ["Idempotency-Key": "queue-1"]
            let first = try await cell.send(.POST, "/sync-consciousness", headers: headers, #"{"level": 1}"#)
            #expect(try first.json()["new_level"] == 1)
            _ = try await cell.send(.POST, "/sync-consciousness", #"{"level": 5}"#)
            let again = try await cell.send(.POST, "/sync-consciousness", headers: headers, #"{"level": 1}"#)
            #expect(again.status == 200)
            #expect(try again.json()["new_level"] == 5)
            #expect(cell.service.level == 5)
            let long: HTTPHeaders = ["Idempotency-Key": String(repeating: "k", count: 129)]
            #expect(try await cell.send(.POST, "/sync-consciousness", headers: long, #"{"level": 1}"#).status == 422)
        }
    }

    @Test("When the disk does not take it, that is said and nothing has changed")
    func unavailable() async throws {
        try await RunningCell.run { cell in
            try await cell.node.services.store.close()
            let reply = try await cell.send(.POST, "/sync-consciousness", #"{"level": 1}"#)
            #expect(reply.status == 503)
            #expect(try reply.json()["detail"]?.stringValue != nil)
            #expect(try await cell.send(.GET, "/health").json()["consciousness_level"] == 3.2)
        }
    }

    @Test("A kin's level is told under the kin's name")
    func kinLevels() async throws {
        try await TestNode.run("lap", engine: nil) { other in
            try await RunningCell.run { cell in
                try await cell.node.trust(other)
                try await other.services.state.write([.level(7, of: .node(other.id))])
                #expect(await eventually { cell.service.levels()["lap"] == 7 })
                // A client of the same name does not take its place.
                _ = try await cell.send(.POST, "/sync-consciousness", #"{"level": 2, "source": "lap"}"#)
                #expect(cell.service.levels() == ["desk": 2, "lap": 2, other.id.description: 7])
            }
        }
    }

    @Test("Spoilt bodies are taken or refused, and the cell goes on", arguments: 1...4 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) async throws {
        print("seed \(seed)")
        try await RunningCell.run { cell in
            var generator = SeededGenerator(seed: seed)
            for (path, sample) in [("/sync-consciousness", SeedExamples.sync), ("/code-assist", SeedExamples.assist)] {
                for _ in 0..<80 {
                    let body = String(decoding: Mutations.spoil(Array(sample.utf8), using: &generator), as: UTF8.self)
                    let reply = try await cell.send(.POST, path, body)
                    #expect([200, 422].contains(reply.status), "\(body)")
                    #expect(try reply.status == 200 || reply.json()["detail"] != nil)
                }
            }
            #expect((0...10).contains(cell.service.level))
        }
    }
}

enum JSONSample {
    static func read(_ text: String) throws -> JSONValue { try TestReply(status: 200, headers: [:], text: text).json() }
}
