// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithSurfaceTesting
import KithTesting
import Testing

@Suite("Bridge and its limits", .timeLimit(.minutes(2)))
struct BridgeLimitTests {
    /// Asks a bridge whose cell hangs at its work, and lets the time of the bridge pass at once when it waits.
    private func ask(
        _ path: String, after wait: Duration, _ request: @escaping @Sendable (TestBridge) async throws -> TestReply
    ) async throws -> TestReply {
        try await SeedCell.serve(.hangs) { _, server in
            let clock = ManualClock()
            return try await TestBridge.run([server.address], clock: clock) { bridge in
                try await bridge.become("healthy")
                async let reply = request(bridge)
                // The one who looks after the upstreams sleeps, and the one who limits the request.
                let isWaiting = await eventually {
                    server.requests.contains { $0.uri == path } && clock.sleeperCount == 2
                }
                #expect(isWaiting)
                clock.advance(by: wait)
                let began = ContinuousClock.now
                let answer = try await reply
                #expect(ContinuousClock.now - began < wait)
                return answer
            }
        }
    }

    @Test("Code that a cell looks at for twenty seconds is looked at here")
    func assist() async throws {
        let reply = try await ask("/code-assist", after: .seconds(20)) { try await $0.assist() }
        #expect(reply.status == 200)
        #expect(try reply.json()["source"] == "bridge_fallback")
    }

    @Test("A level that a cell says nothing to for three seconds is kept")
    func sync() async throws {
        let reply = try await ask("/sync-consciousness", after: .seconds(3)) { try await $0.sync(2.5) }
        #expect(reply.status == 202)
    }
}
