// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("OpenAI models", .timeLimit(.minutes(2)))
struct OpenAIModelsTests {
    @Test("The names that stand for several models come after the models, and each can be looked up")
    func listed() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.GET, "/v1/models")
            let models = try JSONBody.decode(OpenAIModelList.self, from: Array(reply.text.utf8)).data
            #expect(models.map(\.id) == ["echo", "auto", "code", "fast"])
            #expect(models.dropFirst().allSatisfy { $0.ownedBy == "kith" && $0.object == "model" })
            #expect(models.first?.contextLength == TestEngineSetup.contextLength)
            #expect(models.dropFirst().allSatisfy { $0.contextLength == nil })
            for name in models.map(\.id) + ["gone"] {
                let found = try await node.send(.GET, "/v1/models/\(name)")
                #expect(found.status == (name == "gone" ? 404 : 200))
            }
        }
    }

    @Test("An answer to such a name says which model gave it", arguments: ["auto", "code", "fast"], [true, false])
    func answered(name: String, streams: Bool) async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let body = #"{"model":"\#(name)","stream":\#(streams),"messages":[{"role":"user","content":"x"}]}"#
            let reply = try await node.send(.POST, "/v1/chat/completions", body)
            #expect(reply.status == 200)
            #expect(reply.text.contains(#""model":"echo""#))
        }
    }

    @Test("A node without an engine says so when it is asked for such a name, not that there is no such model")
    func noEngine() async throws {
        try await TestNode.run(engine: nil) { node in
            let body = #"{"model":"fast","messages":[{"role":"user","content":"x"}]}"#
            let reply = try await node.send(.POST, "/v1/chat/completions", body)
            #expect(reply.status == 503)
        }
    }
}
