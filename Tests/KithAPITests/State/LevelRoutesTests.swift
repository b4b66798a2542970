// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Routes of the levels", .timeLimit(.minutes(2)))
struct LevelRoutesTests {
    private func levels(_ node: TestNode) async throws -> [StateMessage.Level] {
        try await node.send(.GET, "/api/levels").decode(StateMessage.Levels.self).levels
    }

    @Test("The node's level is written as self or by its id, others by their names")
    func written() async throws {
        try await TestNode.run("desk", engine: nil) { node in
            let own = try await node.send(.PUT, "/api/levels/self", #"{"level":2.5}"#)
            #expect(try own.json()["source"]?.stringValue == node.id.description)
            #expect(try own.json()["name"] == "desk")
            _ = try await node.send(.PUT, "/api/levels/\(node.id)", #"{"level":3}"#)
            let editor = try await node.send(.PUT, "/api/levels/my%20editor", #"{"level":0}"#)
            #expect(try editor.json()["name"] == nil)
            let all = try await levels(node)
            #expect(Set(all.map { $0.name ?? $0.source }) == ["desk", "my editor"])
            #expect(all.first { $0.name == "desk" }?.level == 3)
            #expect(all.allSatisfy { $0.node == "desk" })
        }
    }

    @Test("A level is removed, whoever's it is; one that is not there cannot be")
    func removed() async throws {
        try await TestNode.run("desk", engine: nil) { node in
            _ = try await node.send(.PUT, "/api/levels/editor", #"{"level":1}"#)
            #expect(try await node.send(.DELETE, "/api/levels/editor").json()["level"] == 1)
            let again = try await node.send(.DELETE, "/api/levels/editor")
            #expect(again.status == 404)
            #expect(try again.json()["error"]?["code"] == "not_found")
            #expect(try await levels(node).isEmpty)
        }
    }

    @Test(
        "What is no level is refused, and so is another node's",
        arguments: [
            ("self", #"{"level":10.5}"#, 422), ("self", #"{"level":-1}"#, 422), ("self", #"{"level":1e999}"#, 422),
            ("self", #"{"level":"1"}"#, 422), ("self", "{}", 400), ("self", "{", 400),
            (String(repeating: "s", count: 129), #"{"level":1}"#, 422), ("a%07", #"{"level":1}"#, 422),
            (RecordingControl.peer?.id.description ?? "", #"{"level":1}"#, 422),
        ])
    func refused(source: String, body: String, status: Int) async throws {
        try await TestNode.run("desk", engine: nil) { node in
            let before = try await levels(node)
            let reply = try await node.send(.PUT, "/api/levels/" + source, body)
            #expect(reply.status == status)
            #expect(try reply.json()["error"]?["code"]?.stringValue == "invalid")
            #expect(try await levels(node) == before)
        }
    }

    @Test("What is written at one kin is seen at the other")
    func shared() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: EchoEngine(), kin: [desk]) { laptop in
                _ = try await laptop.send(.PUT, "/api/levels/self", #"{"level":4.5}"#)
                #expect(
                    try await eventually {
                        try await levels(desk).contains {
                            $0.name == "laptop" && $0.level == 4.5 && $0.node == "laptop"
                        }
                    })
            }
        }
    }
}
