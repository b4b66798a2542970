// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithVault
import Testing

@Suite("The watch over Vault's status", .timeLimit(.minutes(1)))
struct VaultStatusWatchTests {
    @Test("Who asks first asks Vault; who asks later is told what is known, and how old it is")
    func known() async throws {
        let clock = ManualClock()
        try await VaultStub().serve { server in
            let watch = VaultStatusWatch(client: VaultClient(address: server.address), clock: clock)
            #expect(await watch.latest().status == .active)
            clock.advance(by: .seconds(3))
            let body = await watch.body()
            #expect(body.status == .available)
            #expect(body.ageSeconds == 3)
            #expect(server.asked == ["GET /v1/sys/health"])
        }
    }

    @Test("A change is seen by itself")
    func change() async throws {
        let clock = ManualClock()
        let stub = VaultStub { $0.isSealed = true }
        try await stub.serve { server in
            let watch = VaultStatusWatch(client: VaultClient(address: server.address), clock: clock)
            let run = Task { await watch.run() }
            try #require(await eventually { clock.sleeperCount == 1 }, "waited too long for the first answer")
            #expect(await watch.latest().status == .sealed)
            stub.change { $0.isSealed = false }
            clock.advance(by: VaultStatusWatch.pause)
            try #require(await eventually { clock.sleeperCount == 1 }, "waited too long for the second answer")
            #expect(await watch.latest().status == .active)
            run.cancel()
            await run.value
        }
    }

    @Test("One that hangs is waited for no longer than the limit")
    func hanging() async throws {
        try await VaultStub { $0.hangs = true }.serve { server in
            let watch = VaultStatusWatch(
                client: VaultClient(address: server.address), clock: ManualClock(), limit: .milliseconds(50))
            #expect(await watch.latest().status == .unreachable(.timeout))
        }
    }
}
