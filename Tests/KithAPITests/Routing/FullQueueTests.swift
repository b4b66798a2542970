// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("A full queue", .timeLimit(.minutes(2)))
struct FullQueueTests {
    private static let streamed = #"{"stream":true,"max_tokens":5000,"messages":[{"role":"user","content":"x"}]}"#
    private static let short = #"{"max_tokens":4,"messages":[{"role":"user","content":"x"}]}"#

    /// One slot, one place in the queue, twenty tokens a second.
    private struct NarrowEngine: ChatEngine {
        let base = CountEngine(setup: .init(settings: TestEngineSettings(tokensPerSecond: 20, slots: 1)))

        var kind: EngineKind { base.kind }
        var capacity: EngineCapacity { EngineCapacity(slots: 1, queueLimit: 1) }

        func models() async throws -> [ModelInfo] { try await base.models() }
        func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .anew }
        func health() async -> EngineHealth { .ready }
        func answer(_ request: ChatRequest) async throws -> ChatAnswer { try await base.answer(request) }
        func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { try await base.embed(request) }
    }

    @Test(
        "Whoever finds slots and queue taken waits for room, then gets a 429 and when to come back, through a kin too")
    func refused() async throws {
        try await TestNode.run("desk", engine: NarrowEngine(), patience: .milliseconds(200)) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk], patience: .milliseconds(200)) { laptop in
                #expect(try await desk.send(.POST, "/v1/chat/completions", Self.short).status == 200)
                let holders = (0..<2).map { _ in
                    Task { try await desk.send(.POST, "/v1/chat/completions", Self.streamed) }
                }
                #expect(
                    await eventually {
                        let status = desk.services.engine.status()
                        return status.active == 1 && status.queued == 1
                    })
                for (node, path, body) in [
                    (laptop, "/v1/chat/completions", Self.short), (desk, "/v1/chat/completions", Self.streamed),
                ] {
                    let reply = try await node.send(.POST, path, body)
                    #expect(reply.status == 429, "\(reply.text)")
                    let seconds = try #require(reply.headers.first(name: "retry-after").flatMap { Int($0) })
                    #expect((1...60).contains(seconds))
                    #expect(reply.headers.first(name: "x-kith-route") != nil)
                    #expect(reply.text.contains("queue is full"))
                }
                for holder in holders { holder.cancel() }
                for holder in holders { _ = await holder.result }
            }
        }
    }
}
