// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithServer
import KithStore
import KithTesting
import Logging
import Testing

@Suite("The audit trail", .timeLimit(.minutes(1)))
struct StoreAuditTrailTests {
    private let store: Store
    private let clock = ManualClock()

    init() throws { store = try Store.inMemory() }

    private func trail() -> StoreAuditTrail {
        StoreAuditTrail(
            store: store, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: clock)
    }

    private func untilAsleep() async { while clock.sleeperCount == 0 { await Task.yield() } }

    /// Until the store holds lines of these counts, the latest first.
    private func untilStored(_ counts: [Int]) async {
        while (try? await store.audit(limit: 10).map(\.count)) != counts { await Task.yield() }
    }

    @Test("A line is in the store within a second; what is left when the node stops is written then")
    func writing() async throws {
        let trail = trail()
        let running = Task { await trail.run() }
        trail.record(.clientRefused, subject: nil, source: "192.0.2.1", reason: "no key")
        await untilAsleep()
        clock.advance(by: StoreAuditTrail.pause)
        await untilStored([1])
        trail.record(.keyCreated, subject: "k", source: nil, reason: "scopes chat")
        running.cancel()
        await running.value
        #expect(try await store.audit(limit: 10).map(\.kind) == [.keyCreated, .clientRefused])
    }

    @Test("A flood of one kind is two lines a minute, the second with the count")
    func flood() async throws {
        let trail = trail()
        let running = Task { await trail.run() }
        for _ in 0..<1_000 { trail.record(.clientRefused, subject: nil, source: "192.0.2.1", reason: "no key") }
        await untilAsleep()
        clock.advance(by: StoreAuditTrail.pause)
        await untilStored([1])
        await untilAsleep()
        clock.advance(by: .seconds(60))
        await untilAsleep()
        clock.advance(by: StoreAuditTrail.pause)
        await untilStored([999, 1])
        running.cancel()
        await running.value
    }

    @Test("While there is nothing to write nobody is woken")
    func rest() async {
        let trail = trail()
        let running = Task { await trail.run() }
        for _ in 0..<100 { await Task.yield() }
        #expect(clock.sleeperCount == 0)
        running.cancel()
        await running.value
    }

    @Test("A flood from ever new addresses stays within bounds")
    func manySources() async throws {
        let trail = trail()
        for number in 0..<100_000 {
            trail.record(.clientRefused, subject: nil, source: "source \(number)", reason: "no key")
        }
        let running = Task { await trail.run() }
        running.cancel()
        await running.value
        let count = try await store.audit(limit: 10_000).count
        #expect((1...2_048).contains(count))
    }
}
