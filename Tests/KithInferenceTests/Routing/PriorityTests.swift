// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithInference
import KithModel
import KithTesting
import Testing

@Suite struct PriorityTests {
    private func ticket(_ number: UInt64) -> AdmissionTicket { AdmissionTicket(number: number) }

    private func second(_ count: Double) -> MonotonicInstant { .zero + .seconds(count) }

    @Test func `somebody who waits goes before batch work that came earlier`() {
        var queue = AdmissionQueue(capacity: EngineCapacity(slots: 1, queueLimit: 4))
        #expect(queue.arrive(ticket(1), .batch, now: .zero) == .admitted)
        #expect(queue.arrive(ticket(2), .batch, now: .zero) == .queued(position: 1))
        #expect(queue.arrive(ticket(3), .interactive, now: .zero) == .queued(position: 1))
        #expect(queue.leave(ticket(1), now: second(1)) == [ticket(3)])
    }

    @Test func `batch work leaves one of several slots free, and each priority has a queue of its own`() {
        var queue = AdmissionQueue(capacity: EngineCapacity(slots: 3, queueLimit: 2))
        let verdicts = (1...5).map { queue.arrive(ticket($0), .batch, now: .zero) }
        #expect(verdicts == [.admitted, .admitted, .queued(position: 1), .queued(position: 2), .refused])
        #expect(queue.arrive(ticket(6), .interactive, now: .zero) == .admitted)
        #expect(queue.arrive(ticket(7), .interactive, now: .zero) == .queued(position: 1))
    }

    @Test func `slots that people wanted lately are kept for them, and given back when they stay away`() {
        var queue = AdmissionQueue(capacity: EngineCapacity(slots: 2, queueLimit: 4))
        for number in 1...2 { _ = queue.arrive(ticket(UInt64(number)), .interactive, now: .zero) }
        for number in 1...2 { _ = queue.leave(ticket(UInt64(number)), now: second(1)) }
        #expect(queue.arrive(ticket(3), .batch, now: second(2)) == .queued(position: 1))
        let change = queue.nextChange(now: second(2))
        #expect(change != nil)
        #expect(queue.advance(now: second(2)).isEmpty)
        #expect(queue.advance(now: change ?? .zero) == [ticket(3)])
    }

    @Test func `batch work begins in a bounded time however many people there are`() {
        var queue = AdmissionQueue(capacity: EngineCapacity(slots: 1, queueLimit: 100))
        var next: UInt64 = 10
        _ = queue.arrive(ticket(next), .interactive, now: .zero)
        _ = queue.arrive(ticket(1), .batch, now: .zero)
        var began: Double?
        for step in 1...1_000 where began == nil {
            next += 1
            _ = queue.arrive(ticket(next), .interactive, now: second(Double(step)))
            if queue.leave(ticket(next - 1), now: second(Double(step))).contains(ticket(1)) { began = Double(step) }
        }
        #expect(began.map { .seconds($0) <= AdmissionQueue.patience + .seconds(1) } == true)
    }

    @Test func `of those who wait for room, batch work leaves half of the places and is behind`() {
        var room = WaitingRoom()
        for number in 0..<WaitingRoom.batchCapacity { #expect(room.enter(RequestID.random(), .batch) == number) }
        #expect(room.enter(.random(), .batch) == nil)
        #expect(room.enter(.random(), .interactive) == 0)
        #expect(room.enter(.random(), .interactive) == 1)
    }

    /// Engines with several slots, and people who think for a while, ask, and read the answer.
    struct House: CustomTestStringConvertible, Sendable {
        var slots: Int
        var people: Int

        var testDescription: String { "\(slots) slots, \(people) people" }
    }

    @Test(arguments: [
        House(slots: 2, people: 1), House(slots: 2, people: 2), House(slots: 3, people: 2), House(slots: 4, people: 3),
        House(slots: 4, people: 6), House(slots: 8, people: 6), House(slots: 8, people: 10),
    ])
    func `a flood of batch work raises the first token of what people wait for by no more than a tenth`(_ house: House)
    {
        for seed in 1...3 as ClosedRange<UInt64> {
            let alone = Simulation.run(house, seed: seed, floods: false)
            let flooded = Simulation.run(house, seed: seed, floods: true)
            print("seed \(seed), \(house): \(alone.mean) s, flooded \(flooded.mean) s, \(flooded.batch) batch")
            #expect(flooded.mean <= alone.mean * 1.1, "seed \(seed)")
            #expect(flooded.batch > 0, "seed \(seed): batch work is not shut out")
        }
    }
}

/// Four hours of an engine's queue.
private struct Simulation {
    struct Outcome {
        /// Of the time to the first token, in seconds.
        var mean: Double
        /// Batch work that was begun.
        var batch: Int
    }

    private enum Event {
        case ask
        case end(AdmissionTicket, isPerson: Bool)
        case tick
    }

    private static let length = 4.0 * 3_600
    private static let thinking = 15.0
    private static let answering = 8.0
    private static let reading = 1.0
    private static let batchWork = 10.0
    private static let batchQueue = 8

    private let floods: Bool
    private var queue: AdmissionQueue
    private var people: SeededGenerator
    private var work: SeededGenerator
    private var events: [(at: Double, event: Event)] = []
    private var asked: [AdmissionTicket: Double] = [:]
    private var batch: Set<AdmissionTicket> = []
    private var next: UInt64 = 0
    private var waits: [Double] = []
    private var begun = 0

    static func run(_ house: PriorityTests.House, seed: UInt64, floods: Bool) -> Outcome {
        var simulation = Simulation(house, seed: seed, floods: floods)
        return simulation.run()
    }

    private init(_ house: PriorityTests.House, seed: UInt64, floods: Bool) {
        self.floods = floods
        queue = AdmissionQueue(capacity: EngineCapacity(slots: house.slots, queueLimit: 64))
        people = SeededGenerator(seed: seed)
        work = SeededGenerator(seed: seed &+ 1_000)
        for _ in 0..<house.people { events.append((Self.draw(Self.thinking, &people), .ask)) }
        events.append((1, .tick))
    }

    private mutating func run() -> Outcome {
        while let place = events.indices.min(by: { events[$0].at < events[$1].at }) {
            let (at, event) = events.remove(at: place)
            if at > Self.length { break }
            let now = MonotonicInstant.zero + .seconds(at)
            switch event {
            case .ask:
                let ticket = ticket()
                asked[ticket] = at
                if queue.arrive(ticket, .interactive, now: now) == .admitted { begin(ticket, at) }
            case .end(let ticket, let isPerson):
                for admitted in queue.leave(ticket, now: now) { begin(admitted, at) }
                if isPerson { events.append((at + Self.draw(Self.thinking, &people), .ask)) }
            case .tick:
                for admitted in queue.advance(now: now) { begin(admitted, at) }
                events.append((at + 1, .tick))
            }
            while floods, batch.count < Self.batchQueue {
                let ticket = ticket()
                batch.insert(ticket)
                if queue.arrive(ticket, .batch, now: now) == .admitted { begin(ticket, at) }
            }
        }
        return Outcome(mean: waits.reduce(0, +) / Double(max(1, waits.count)), batch: begun)
    }

    private mutating func begin(_ ticket: AdmissionTicket, _ at: Double) {
        if let asked = asked.removeValue(forKey: ticket) {
            waits.append(at - asked + Self.reading)
            let time = max(Self.reading, Self.draw(Self.answering, &people))
            events.append((at + time, .end(ticket, isPerson: true)))
        } else {
            batch.remove(ticket)
            begun += 1
            events.append((at + Self.draw(Self.batchWork, &work), .end(ticket, isPerson: false)))
        }
    }

    private mutating func ticket() -> AdmissionTicket {
        next += 1
        return AdmissionTicket(number: next)
    }

    private static func draw(_ mean: Double, _ generator: inout SeededGenerator) -> Double {
        -mean * log(1 - Double.random(in: 0..<1, using: &generator))
    }
}
