// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import Synchronization
import Testing

@testable import KithAPI

@Suite("The desk at which plans are made", .timeLimit(.minutes(1)))
struct PlanDeskTests {
    private struct Broken: Error {}

    private let clock = ManualClock()
    private let desk = PlanDesk()

    /// Makes plans, and counts them.
    private final class Maker: Sendable {
        let made = Mutex(0)
        let atOnce = Mutex((now: 0, most: 0))

        func make() async -> PlaceMessage.Plan {
            atOnce.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            for _ in 0..<100 { await Task.yield() }
            atOnce.withLock { $0.now -= 1 }
            made.withLock { $0 += 1 }
            return PlaceMessage.Plan(machines: [], models: [])
        }
    }

    @Test("Many who ask get one plan, which is good for a second")
    func shared() async throws {
        let maker = Maker()
        try await withThrowingTaskGroup(of: Void.self) { [desk, clock] group in
            for _ in 0..<16 {
                group.addTask { _ = try await desk.plan(of: nil, clock: clock) { await maker.make() } }
            }
            try await group.waitForAll()
        }
        #expect(maker.made.withLock { $0 } == 1)
        clock.advance(by: .seconds(1))
        _ = try await desk.plan(of: nil, clock: clock) { await maker.make() }
        #expect(maker.made.withLock { $0 } == 2)
    }

    @Test("Plans of different models are made one after another")
    func different() async throws {
        let maker = Maker()
        try await withThrowingTaskGroup(of: Void.self) { [desk, clock] group in
            for number in 0..<8 {
                group.addTask {
                    _ = try await desk.plan(of: ModelID("m\(number)"), clock: clock) { await maker.make() }
                }
            }
            try await group.waitForAll()
        }
        #expect(maker.made.withLock { $0 } == 8)
        #expect(maker.atOnce.withLock { $0.most } == 1)
    }

    @Test("One that failed is made again for the next who asks")
    func failed() async throws {
        let maker = Maker()
        await #expect(throws: Broken.self) { try await desk.plan(of: nil, clock: clock) { throw Broken() } }
        _ = try await desk.plan(of: nil, clock: clock) { await maker.make() }
        #expect(maker.made.withLock { $0 } == 1)
    }
}
