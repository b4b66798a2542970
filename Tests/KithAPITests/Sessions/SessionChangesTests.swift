// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithSurfaceTesting
import NIOHTTP1
import Testing

@Suite("Conversations that are found, named, saved and removed", .timeLimit(.minutes(2)))
struct SessionChangesTests {
    private func withNode(_ body: @Sendable (TestNode) async throws -> Void) async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { node in
            for (session, words) in [("trip", "a Boat to Crete"), ("work", "100% of _the_ plan")] {
                let body = #"{"message":"\#(words)","session":"\#(session)"}"#
                #expect(try await node.send(.POST, "/api/chat", body).status == 200)
            }
            try await body(node.asOwner())
        }
    }

    private func found(_ node: TestNode, _ words: String) async throws -> [String] {
        try await node.send(.GET, "/api/sessions?q=\(words)").decode(SessionMessage.Sessions.self).sessions.map(\.id)
    }

    @Test("They are found by words in their text, name and title, whatever those words mean to a database")
    func search() async throws {
        try await withNode { node in
            let boat = try await found(node, "boat")
            #expect(boat == ["trip"])
            #expect(try await found(node, "WORK") == ["work"])
            #expect(try await found(node, "100%25") == ["work"])
            #expect(try await found(node, "_the_") == ["work"])
            #expect(try await found(node, "%25").count == 1)
            #expect(try await found(node, "nothing") == [])
            #expect(try await found(node, "'%20OR%201") == [])
            #expect(try await found(node, "").count == 2)
            let long = String(repeating: "x", count: 300)
            #expect(try await node.send(.GET, "/api/sessions?q=\(long)").status == 422)
        }
    }

    @Test("A title is for people: it is listed, searched, and taken away by a blank one")
    func rename() async throws {
        try await withNode { node in
            let renamed = try await node.send(.PATCH, "/api/sessions/trip", #"{"title":"Summer"}"#)
            #expect(renamed.status == 200)
            #expect(try renamed.json()["title"] == "Summer")
            #expect(try await found(node, "summer") == ["trip"])
            let listed = try await node.send(.GET, "/api/sessions").decode(SessionMessage.Sessions.self).sessions
            #expect(listed.first { $0.id == "trip" }?.opening == "a Boat to Crete")
            #expect(try await node.send(.GET, "/api/sessions/trip").json()["title"] == "Summer")
            let taken = try await node.send(.PATCH, "/api/sessions/trip", #"{"title":" "}"#)
            #expect(try taken.json()["title"] == nil)
            for title in [String(repeating: "x", count: 257), #"a\nb"#] {
                #expect(try await node.send(.PATCH, "/api/sessions/trip", #"{"title":"\#(title)"}"#).status == 422)
            }
            #expect(try await node.send(.PATCH, "/api/sessions/none", #"{"title":"x"}"#).status == 404)
        }
    }

    @Test("They are saved as Markdown and as JSON, for their owner alone, and removed for good")
    func export() async throws {
        try await withNode { node in
            let text = try await node.send(.GET, "/api/sessions/trip/export")
            #expect(text.headers.first(name: "content-type") == "text/markdown; charset=utf-8")
            #expect(text.headers.first(name: "content-disposition") == #"attachment; filename="conversation.md""#)
            #expect(text.text.hasPrefix("# trip\n"))
            #expect(text.text.contains("a Boat to Crete"))
            let json = try await node.send(.GET, "/api/sessions/trip/export?format=json").json()
            #expect(json["turns"]?.arrayValue?.count == 2)
            #expect(try await node.send(.GET, "/api/sessions/trip/export?format=pdf").status == 422)
            #expect(try await node.send(.DELETE, "/api/sessions/trip").status == 204)
            #expect(try await node.send(.DELETE, "/api/sessions/trip").status == 404)
            #expect(try await node.send(.GET, "/api/sessions/trip/export").status == 404)
        }
        try await TestNode.run("desk", engine: nil) { node in
            let refused = try await node.send(.GET, "/api/sessions/trip/export")
            #expect(refused.status == 403)
            #expect(try await node.send(.DELETE, "/api/sessions/trip").status == 403)
        }
    }
}
