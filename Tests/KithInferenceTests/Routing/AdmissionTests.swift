// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("Admission")
struct AdmissionTests {
    private func ticket(_ number: UInt64) -> AdmissionTicket { AdmissionTicket(number: number) }

    @Test("Slots fill first, then the queue, then requests are refused")
    func fillsInOrder() {
        var queue = AdmissionQueue(capacity: EngineCapacity(slots: 2, queueLimit: 1))
        let verdicts = (1...4).map { queue.arrive(ticket($0), now: .zero) }
        #expect(verdicts == [.admitted, .admitted, .queued(position: 1), .refused])
    }

    @Test("Whoever waited longest is admitted when a slot comes free")
    func firstComeFirstServed() {
        var queue = AdmissionQueue(capacity: EngineCapacity(slots: 1, queueLimit: 5))
        for number in 1...3 { _ = queue.arrive(ticket(UInt64(number)), now: .zero) }
        let first = queue.leave(ticket(1), now: .zero)
        #expect(first == [ticket(2)])
        let second = queue.leave(ticket(2), now: .zero)
        #expect(second == [ticket(3)])
        let third = queue.leave(ticket(3), now: .zero)
        #expect(third.isEmpty)
        #expect(queue.runningCount == 0)
    }

    @Test("A client that leaves the queue makes room without a slot coming free")
    func leavingTheQueue() {
        var queue = AdmissionQueue(capacity: EngineCapacity(slots: 1, queueLimit: 1))
        _ = queue.arrive(ticket(1), now: .zero)
        _ = queue.arrive(ticket(2), now: .zero)
        let freed = queue.leave(ticket(2), now: .zero)
        #expect(freed.isEmpty)
        let verdict = queue.arrive(ticket(3), now: .zero)
        #expect(verdict == .queued(position: 1))
    }

    @Test("Leaving twice gives back one slot")
    func leavingTwice() {
        var queue = AdmissionQueue(capacity: EngineCapacity(slots: 1, queueLimit: 5))
        for number in 1...3 { _ = queue.arrive(ticket(UInt64(number)), now: .zero) }
        _ = queue.leave(ticket(1), now: .zero)
        let freed = queue.leave(ticket(1), now: .zero)
        #expect(freed.isEmpty)
        #expect(queue.runningCount == 1)
    }

    @Test(
        "Under any schedule no more run than there are slots, and nobody is lost",
        arguments: 1...20 as ClosedRange<UInt64>)
    func anySchedule(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var queue = AdmissionQueue(capacity: EngineCapacity(slots: 3, queueLimit: 8))
        var present: Set<AdmissionTicket> = []
        for number in 0..<2_000 as Range<UInt64> {
            if Bool.random(using: &generator) {
                if queue.arrive(ticket(number), now: .zero) != .refused { present.insert(ticket(number)) }
            } else if let leaver = present.randomElement(using: &generator) {
                present.remove(leaver)
                _ = queue.leave(leaver, now: .zero)
            }
            #expect(queue.runningCount == min(3, present.count))
            #expect(queue.runningCount + queue.waitingCount == present.count)
        }
    }

    @Test("Whoever is turned away is told when its turn would have come, from one second to sixty")
    func retryAfter() {
        var queue = AdmissionQueue(capacity: EngineCapacity(slots: 2, queueLimit: 10))
        #expect(queue.retryAfter == .seconds(1))
        for number in 0..<12 as Range<UInt64> { _ = queue.arrive(ticket(number), now: .zero) }
        _ = queue.leave(ticket(0), now: .seconds(4))
        #expect(queue.retryAfter == .seconds(18))
        _ = queue.arrive(ticket(12), now: .seconds(4))
        #expect(queue.retryAfter == .seconds(20))
        #expect(queue.roomAfter == .seconds(2))
        _ = queue.leave(ticket(1), now: .seconds(4_000))
        #expect(queue.retryAfter == .seconds(60))
        #expect(queue.roomAfter == .seconds(5))
    }

    @Test("Requests that fail at once are no reason to come back at once")
    func leastRetryAfter() {
        var queue = AdmissionQueue(capacity: EngineCapacity(slots: 1, queueLimit: 1))
        _ = queue.arrive(ticket(1), now: .zero)
        _ = queue.leave(ticket(1), now: .zero)
        #expect(queue.retryAfter == .seconds(1))
    }

    @Test("A full gate refuses with the same estimate")
    func gateRefuses() async throws {
        let clock = ManualClock()
        let gate = AdmissionGate(capacity: EngineCapacity(slots: 1, queueLimit: 1), clock: clock)
        var first: SlotLease? = try await gate.enter()
        clock.advance(by: .seconds(7))
        #expect(first != nil)
        first = nil
        let lease = try await gate.enter()
        let waiting = Task { try await gate.enter() }
        while gate.load.waiting == 0 { await Task.yield() }
        let failure = await #expect(throws: ChatError.self) { _ = try await gate.enter() }
        #expect(failure?.code == .overloaded)
        #expect(failure?.retryAfter == .seconds(7))
        #expect(failure?.roomAfter == .seconds(5))
        #expect(failure.map { Blame($0).subject } == .load(.init(room: .seconds(5), turn: .seconds(7))))
        waiting.cancel()
        withExtendedLifetime(lease) {}
    }

    @Test("A task that waits for a slot gets it when another's lease is dropped")
    func gateHandsOver() async throws {
        let gate = AdmissionGate(capacity: EngineCapacity(slots: 1, queueLimit: 4), clock: ManualClock())
        var first: SlotLease? = try await gate.enter()
        #expect(first != nil)
        let second = Task { try await gate.enter() }
        while gate.load.waiting == 0 { await Task.yield() }
        first = nil
        let lease = try await second.value
        #expect(gate.load == (1, 0))
        withExtendedLifetime(lease) {}
    }

    @Test("A task that is cancelled while it waits leaves the queue")
    func gateCancellation() async throws {
        let gate = AdmissionGate(capacity: EngineCapacity(slots: 1, queueLimit: 4), clock: ManualClock())
        let lease = try await gate.enter()
        let waiting = Task { try await gate.enter() }
        while gate.load.waiting == 0 { await Task.yield() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { _ = try await waiting.value }
        #expect(gate.load == (1, 0))
        withExtendedLifetime(lease) {}
    }
}
