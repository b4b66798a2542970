// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithDialects
import KithInference
import KithModel
import KithSurfaceTesting
import NIOHTTP1
import Testing

@Suite("OpenAI's paths without their version", .timeLimit(.minutes(2)))
struct OpenAIBarePathTests {
    private static let plain = #"{"max_tokens":-1,"messages":[{"role":"user","content":"hello"}]}"#

    @Test("Are answered as those with it")
    func answered() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let streamed = Self.plain.replacing("{\"max", with: "{\"stream\":true,\"max")
            for (method, path, body) in [
                (HTTPMethod.POST, "/chat/completions", Self.plain), (.POST, "/chat/completions", streamed),
                (.POST, "/completions", #"{"prompt":"hello","max_tokens":-1}"#),
                (.POST, "/embeddings", #"{"input":"hello"}"#),
                (.GET, "/models", nil), (.GET, "/models/echo", nil), (.GET, "/models/auto", nil),
            ] {
                let bare = try await node.send(method, path, body)
                let full = try await node.send(method, "/v1" + path, body)
                #expect(bare.status == 200, "\(path): \(bare.text)")
                #expect(full.status == 200, "\(path): \(full.text)")
                #expect(bare.headers.first(name: "content-type") == full.headers.first(name: "content-type"))
            }
        }
    }

    @Test("Have OpenAI's errors, also for a method, a body and a key that are wrong")
    func errors() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for (method, path, body, status) in [
                (HTTPMethod.GET, "/chat/completions", nil, 405), (.POST, "/models", "{}", 405),
                (.POST, "/chat/completions", "{", 400), (.POST, "/completions", "{}", 400),
                (.POST, "/embeddings", "[]", 400), (.GET, "/models/gone", nil, 404),
            ] {
                let reply = try await node.send(method, path, body)
                #expect(reply.status == status, "\(path): \(reply.text)")
                #expect(try reply.json()["error"]?["message"] != nil)
                #expect(try reply.json()["error"]?["type"] == "invalid_request_error", "\(path)")
            }
        }
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            let reply = try await node.send(.POST, "/chat/completions", Self.plain)
            #expect(reply.status == 401)
            #expect(try reply.json()["error"]?["code"] == "invalid_api_key")
        }
    }

    @Test("An engine that gives one answer and no probabilities says so, and names the field")
    func refused() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for (field, value) in [("n", "2"), ("logprobs", "true")] {
                for streams in [true, false] {
                    let body =
                        #"{"\#(field)":\#(value),"stream":\#(streams),"messages":[{"role":"user","content":"x"}]}"#
                    let reply = try await node.send(.POST, "/v1/chat/completions", body)
                    #expect(reply.status == 400, "\(reply.text)")
                    #expect(try reply.json()["error"]?["param"] == .string(field))
                }
            }
        }
    }
}
