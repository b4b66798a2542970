// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithDialects
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Routes of the context", .timeLimit(.minutes(2)))
struct ContextRoutesTests {
    private func run(_ body: @Sendable (TestNode) async throws -> Void) async throws {
        try await TestNode.run("desk", engine: nil) { node in try await body(node) }
    }

    private func context(_ node: TestNode) async throws -> StateMessage.Context {
        try await node.send(.GET, "/api/context").decode(StateMessage.Context.self)
    }

    // MARK: Reading and writing

    @Test("A key is written in the node's name, and read with when and where")
    func written() async throws {
        try await run { node in
            let reply = try await node.send(.PUT, "/api/context/branch", #"{"value":"main"}"#)
            #expect(reply.status == 200)
            let entry = try reply.decode(StateMessage.ContextEntry.self)
            #expect((entry.key, entry.isConflict) == ("branch", false))
            let value = try #require(entry.values.first)
            #expect(
                (value.value, value.source, value.sourceName, value.node) == (
                    "main", node.id.description, "desk", "desk"
                ))
            #expect(value.writtenAt.hasSuffix("Z"))
            #expect(try await node.send(.GET, "/api/context/branch").decode(StateMessage.ContextEntry.self) == entry)
            #expect(try await context(node).context == [entry])
        }
    }

    @Test(
        "Every JSON value comes back as it was written",
        arguments: ["null", "true", "12", "2.5", #""é\"""#, "[1,[null]]", #"{"line":12,"more":{"a":[]}}"#])
    func values(text: String) async throws {
        try await run { node in
            let reply = try await node.send(.PUT, "/api/context/k", #"{"value":\#(text),"source":"editor"}"#)
            let entry = try reply.decode(StateMessage.ContextEntry.self)
            #expect(entry.values.map(\.value) == [JSONValue(json: text)])
            #expect(entry.values.map(\.source) == ["editor"])
            #expect(entry.values.first?.sourceName == nil)
        }
    }

    @Test("A later write takes the place of an earlier one, whoever made it")
    func overwritten() async throws {
        try await run { node in
            for (source, value) in [("vim", 1), ("vscode", 2)] {
                _ = try await node.send(.PUT, "/api/context/k", #"{"value":\#(value),"source":"\#(source)"}"#)
            }
            #expect(try await context(node).context.map { $0.values.map(\.value) } == [[2]])
        }
    }

    @Test("Keys may hold what paths cannot, up to 128 bytes", arguments: ["a/b?c=d#e", "é ü", "..", "%41", "k+1"])
    func keys(key: String) async throws {
        try await run { node in
            let path = "/api/context/" + PathSegment.escaped(key)
            let written = try await node.send(.PUT, path, #"{"value":1}"#)
            let found = try await node.send(.GET, path)
            let removed = try await node.send(.DELETE, path)
            for reply in [written, found, removed] { #expect(try reply.json()["key"]?.stringValue == key) }
            #expect(try await node.send(.GET, path).status == 404)
        }
    }

    @Test("What is removed is told, and is gone; what is not there cannot be removed")
    func removed() async throws {
        try await run { node in
            for key in ["a", "b", "c"] { _ = try await node.send(.PUT, "/api/context/\(key)", #"{"value":1}"#) }
            #expect(try await node.send(.DELETE, "/api/context/b").json()["values"]?.arrayValue?.count == 1)
            let again = try await node.send(.DELETE, "/api/context/b")
            #expect(again.status == 404)
            #expect(try again.json()["error"]?["code"] == "not_found")
            #expect(try await node.send(.DELETE, "/api/context").json() == ["removed": ["a", "c"]])
            #expect(try await node.send(.DELETE, "/api/context").json() == ["removed": []])
            #expect(try await context(node).context.isEmpty)
        }
    }

    @Test("A path that lacks its key removes nothing")
    func missingKey() async throws {
        try await run { node in
            _ = try await node.send(.PUT, "/api/context/a", #"{"value":1}"#)
            for path in ["/api/context/", "/api//context", "/api/context//"] {
                let reply = try await node.send(.DELETE, path)
                #expect([404, 422].contains(reply.status), "\(path) \(reply.status)")
            }
            #expect(try await context(node).context.count == 1)
        }
    }

    @Test("A list that is long comes in parts")
    func parts() async throws {
        try await run { node in
            let value = JSONValue.string(String(repeating: "x", count: 60_000))
            try await node.services.state.write(
                (10..<90).map { .context("k\($0)", value, by: .named("editor")) })
            var keys: [String] = []
            var parts = 0
            var hasMore = true
            while hasMore, parts < 10 {
                let path = "/api/context" + (keys.last.map { "?after=" + PathSegment.escaped($0) } ?? "")
                let reply = try await node.send(.GET, path)
                #expect(reply.text.utf8.count < 5 << 20)
                let page = try reply.decode(StateMessage.Context.self)
                keys += page.context.map(\.key)
                hasMore = page.hasMore
                parts += 1
            }
            #expect(parts == 2)
            #expect(keys == (10..<90).map { "k\($0)" })
        }
    }

    // MARK: Conflicts

    @Test("Two kin that did not see each other's write show both values until one is chosen")
    func conflict() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: EchoEngine()) { laptop in
                _ = try await desk.send(.PUT, "/api/context/branch", #"{"value":"main"}"#)
                _ = try await laptop.send(.PUT, "/api/context/branch", #"{"value":"feature"}"#)
                try await desk.trust(laptop)
                for node in [desk, laptop] {
                    #expect(try await eventually { try await context(node).context.first?.isConflict == true })
                    let values = try #require(try await context(node).context.first).values
                    #expect(values.map(\.value) == ["feature", "main"])
                    #expect(values.map(\.node) == ["laptop", "desk"])
                    #expect(values.map(\.sourceName) == ["laptop", "desk"])
                }
                let chosen = try await laptop.send(.PUT, "/api/context/branch", #"{"value":"main"}"#)
                #expect(try chosen.json()["conflict"] == false)
                #expect(
                    try await eventually {
                        try await context(desk).context.map { $0.values.map(\.value) } == [["main"]]
                    })
            }
        }
    }

    // MARK: Refusals

    @Test(
        "What cannot be kept is refused in words, and nothing is written",
        arguments: [
            ("k", #"{"valu":1}"#, 400, "value"), ("k", "1", 400, "object"), ("k", "{", 400, "JSON"),
            ("k", #"{"value":1,"source":""}"#, 422, "source"), ("k", #"{"value":1,"source":"a\u0000"}"#, 422, "source"),
            ("k", #"{"value":1,"source":7}"#, 422, "source"),
            ("k", #"{"value":"\#(String(repeating: "x", count: 65_535))"}"#, 422, "65536 bytes"),
            ("k", #"{"value":"\#(String(repeating: "x", count: 300_000))"}"#, 413, "longer than"),
            (String(repeating: "k", count: 129), #"{"value":1}"#, 422, "128 bytes"),
            ("a%00b", #"{"value":1}"#, 422, "control"),
            ("%F", #"{"value":1}"#, 422, "key"), ("%FF", #"{"value":1}"#, 422, "key"),
        ])
    func refused(key: String, body: String, status: Int, mentions: String) async throws {
        try await run { node in
            let reply = try await node.send(.PUT, "/api/context/" + key, body)
            #expect(reply.status == status)
            #expect(try reply.json()["error"]?["message"]?.stringValue?.contains(mentions) == true, "\(reply.text)")
            #expect(try await context(node).context.isEmpty)
        }
    }

    @Test("Nobody writes in the name of another node")
    func otherNode() async throws {
        try await run { node in
            let other = try #require(RecordingControl.peer).id
            let body = #"{"value":1,"source":"\#(other)"}"#
            #expect(try await node.send(.PUT, "/api/context/k", body).status == 422)
            let own = #"{"value":1,"source":"self"}"#
            let entry = try await node.send(.PUT, "/api/context/k", own).decode(StateMessage.ContextEntry.self)
            #expect(entry.values.first?.source == node.id.description)
        }
    }

    @Test("Where keys are needed, only one with the scope sync reads and writes")
    func scopes() async throws {
        try await TestNode.run(engine: nil, access: { .with($0, requiresKey: true) }) { node in
            let paths: [(HTTPMethod, String, String?)] = [
                (.GET, "/api/context", nil), (.PUT, "/api/context/k", #"{"value":1}"#), (.GET, "/api/context/k", nil),
                (.DELETE, "/api/context/k", nil), (.DELETE, "/api/context", nil), (.GET, "/api/levels", nil),
                (.PUT, "/api/levels/self", #"{"level":1}"#), (.DELETE, "/api/levels/self", nil),
            ]
            var headers: [HTTPHeaders] = []
            for scope in [[.chat, .read, .admin, .peer, .assist], [.sync]] as [Set<Scope>] {
                headers.append(["Authorization": "Bearer \(try await node.key(scope))"])
            }
            for (method, path, body) in paths {
                #expect(try await node.send(method, path, body).status == 401)
                #expect(try await node.send(method, path, headers: headers[0], body).status == 403)
                #expect(try await node.send(method, path, headers: headers[1], body).status == 200, "\(method) \(path)")
            }
        }
    }

    @Test("Spoilt bodies are kept or refused, and never end the node", arguments: [31, 32] as [UInt64])
    func spoilt(seed: UInt64) async throws {
        print("seed \(seed)")
        try await run { node in
            var generator = SeededGenerator(seed: seed)
            for _ in 0..<150 {
                let whole = Array(#"{"value":{"line":12,"text":"a"},"source":"editor"}"#.utf8)
                let text = String(decoding: Mutations.spoil(whole, using: &generator), as: UTF8.self)
                let status = try await node.send(.PUT, "/api/context/k", text).status
                #expect([200, 400, 422].contains(status), "seed \(seed): \(text)")
            }
            #expect(try await node.send(.GET, "/api/context").status == 200)
        }
    }
}
