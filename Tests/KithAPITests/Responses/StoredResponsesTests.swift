// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithDialects
import KithInference
import KithModel
import KithServer
import KithStore
import KithSurfaceTesting
import NIOHTTP1
import Testing

@Suite("Responses that a node keeps", .timeLimit(.minutes(2)))
struct StoredResponsesTests {
    private static let path = "/v1/responses"

    private func ask(_ node: TestNode, _ more: String, headers: HTTPHeaders = [:]) async throws -> JSONValue {
        try await node.send(.POST, Self.path, headers: headers, #"{"input":"one two"\#(more)}"#).json()
    }

    private func id(_ response: JSONValue) throws -> String { try #require(response["id"]?.stringValue) }

    @Test("A response is read as it was given, streamed or not, and deleted")
    func kept() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let response = try await ask(node, "")
            #expect(response["store"] == true)
            let path = Self.path + "/" + (try id(response))
            #expect(try await node.send(.GET, path).json() == response)
            #expect(try await node.send(.GET, path + "?stream=true").status == 400)
            #expect(try await node.send(.POST, path + "/cancel", "{}").status == 400)
            let deleted = try await node.send(.DELETE, path).json()
            #expect(deleted == ["id": response["id"] ?? nil, "object": "response", "deleted": true])
            #expect(try await node.send(.GET, path).status == 404)

            let streamed = try await node.send(.POST, Self.path, #"{"input":"x","stream":true}"#)
            var decoder = ServerSentEventDecoder()
            let last = try #require(try decoder.feed(Array(streamed.text.utf8)).last)
            let completed = try #require(try JSONValue(parsing: last.data.utf8)["response"])
            #expect(try await node.send(.GET, Self.path + "/" + (try id(completed))).json() == completed)
        }
    }

    @Test("What the client does not want kept is not kept")
    func notKept() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let response = try await ask(node, #","store":false"#)
            #expect(response["store"] == false)
            #expect(try await node.send(.GET, Self.path + "/" + (try id(response))).status == 404)
            #expect(try await node.services.store.responseCount() == 0)
        }
    }

    @Test("A response goes on from another with all that was said, and instructions are not handed down")
    func goesOn() async throws {
        let usage = TokenUsage(promptTokens: 1, completionTokens: 1)
        let engine = ToldEngine([.delta(ChatDelta(text: "said", reasoning: "hm")), .finished(.stop, usage)])
        try await TestNode.run(engine: engine) { node in
            let first = try await ask(node, #","instructions":"Be brief.""#)
            let second = try await ask(node, #","previous_response_id":"\#(try id(first))""#)
            #expect(second["previous_response_id"] == first["id"])
            let third = try await ask(node, #","previous_response_id":"\#(try id(second))""#)
            let path = Self.path + "/" + (try id(third)) + "/input_items"
            let items = try await node.send(.GET, path + "?order=asc&limit=2").json()
            #expect(items["object"] == "list" && items["has_more"] == true)
            #expect(items["data"]?.arrayValue?.map { $0["type"] } == ["message", "reasoning"])
            let rest = try await node.send(.GET, path + "?after=\(items["last_id"]?.stringValue ?? "")&order=asc")
                .json()
            #expect(rest["data"]?.arrayValue?.count == 5 && rest["has_more"] == false)
            let latest = try await node.send(.GET, path).json()["data"]?.arrayValue
            #expect(latest?.count == 7 && latest?.first == rest["data"]?.arrayValue?.last)
            for query in ["?limit=0", "?order=up", "?after=gone"] {
                #expect(try await node.send(.GET, path + query).status == 400)
            }
            // One that is gone takes nothing from those that went on from it.
            _ = try await node.send(.DELETE, Self.path + "/" + (try id(second)))
            let fourth = try await ask(node, #","previous_response_id":"\#(try id(third))""#)
            #expect(fourth["status"] == "completed")
        }
        let asked = engine.requests
        #expect(asked[0].messages.map(\.role) == [.system, .user])
        #expect(asked[1].messages.map(\.role) == [.user, .assistant, .user])
        #expect(asked[1].messages[1].reasoning == "hm")
        #expect(asked[3].messages.count == 7)
        #expect(asked[3].messages.prefix(5) == asked[2].messages.prefix(5), "the same at every turn")
    }

    @Test("An item of an earlier answer can be named")
    func referenced() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let item = try await ask(node, "")["output"]?.arrayValue?.first?["id"]?.stringValue ?? ""
            func asked(_ id: String) -> String {
                #"{"input":[{"type":"item_reference","id":"\#(id)"},{"role":"user","content":"three"}]}"#
            }
            let answer = try await node.send(.POST, Self.path, asked(item)).json()
            #expect(answer["usage"]?["input_tokens"] == 3)
            let refused = try await node.send(.POST, Self.path, asked("msg_gone"))
            #expect(refused.status == 400)
            #expect(try refused.json()["error"]?["param"] == "input.0.id")
        }
    }

    @Test("Nobody reads, deletes or goes on from what another key has made")
    func owners() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            let mine: HTTPHeaders = ["authorization": "Bearer \(try await node.key([.chat]))"]
            let other: HTTPHeaders = ["authorization": "Bearer \(try await node.key([.chat]))"]
            let response = try await ask(node, "", headers: mine)
            let path = Self.path + "/" + (try id(response))
            #expect(try await node.send(.GET, path, headers: other).status == 404)
            #expect(try await node.send(.DELETE, path, headers: other).status == 404)
            let next = try await ask(node, #","previous_response_id":"\#(try id(response))""#, headers: other)
            #expect(next["error"]?["code"] == "previous_response_not_found")
            #expect(try await node.send(.GET, path).status == 401)
            #expect(try await node.send(.GET, path, headers: mine).json() == response)
        }
    }
}
