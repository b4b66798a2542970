// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

/// Many clients at once and few slots: the values that decide, driven as a dispatcher drives them.
@Suite("A full house")
struct FullHouseTests {
    private struct House {
        struct Client {
            var id: RequestID
            var patience: QueueWait
            var looksAt: MonotonicInstant
        }

        var queue: AdmissionQueue
        var router: Router
        var room = WaitingRoom()
        var now = MonotonicInstant.zero
        var outside: [Client] = []
        var tickets: [AdmissionTicket: RequestID] = [:]
        var ends: [AdmissionTicket: MonotonicInstant] = [:]
        var answered: [RequestID: MonotonicInstant] = [:]
        var refused: [RequestID: (at: MonotonicInstant, failure: ChatError)] = [:]
        var refusedWithRoom = 0
        var generator: SeededGenerator
        let hold: ClosedRange<Double>
        let queueLimit: Int
        private var lastTicket: UInt64 = 0
        private let candidate = Candidate(node: "a", model: "m")

        init(slots: Int, queueLimit: Int, hold: ClosedRange<Double>, seed: UInt64) {
            queue = AdmissionQueue(capacity: EngineCapacity(slots: slots, queueLimit: queueLimit))
            router = Router(generator: SeededGenerator(seed: seed))
            generator = SeededGenerator(seed: seed)
            self.hold = hold
            self.queueLimit = queueLimit
        }

        mutating func arrive(_ count: Int) {
            for number in 0..<count {
                outside.append(
                    Client(
                        id: RequestID(rawValue: "\(now.nanoseconds)-\(number)"), patience: QueueWait(began: now),
                        looksAt: now))
            }
        }

        mutating func run(until end: MonotonicInstant) {
            while now < end, !outside.isEmpty || !tickets.isEmpty {
                for ticket in ends.filter({ $0.value <= now }).map(\.key).sorted(by: { $0.number < $1.number }) {
                    finish(ticket)
                }
                for client in outside.filter({ $0.looksAt <= now }) { look(client) }
                now = now + .milliseconds(10)
            }
        }

        private mutating func finish(_ ticket: AdmissionTicket) {
            ends[ticket] = nil
            if let id = tickets.removeValue(forKey: ticket) {
                answered[id] = now
                router.succeeded(id, at: candidate, now: now)
            }
            for next in queue.leave(ticket, now: now) { start(next) }
        }

        private mutating func start(_ ticket: AdmissionTicket) {
            ends[ticket] = now + .seconds(Double.random(in: hold, using: &generator))
        }

        private mutating func look(_ client: Client) {
            outside.removeAll { $0.id == client.id }
            var client = client
            while true {
                let decision = router.decide(
                    RouteRequest(), among: [.sketch("a", isSelf: true, slots: 4, outstanding: tickets.count)], now: now)
                switch client.patience.next(decision, ahead: room.enter(client.id) ?? 0, now: now) {
                case .ask:
                    if ask(client.id) { return room.leave(client.id) }
                case .wait(let wait), .waitForLoading(let wait):
                    client.looksAt = now + wait
                    outside.append(client)
                    return
                case .giveUp(let failure):
                    refused[client.id] = (now, failure)
                    if queue.waitingCount < queueLimit { refusedWithRoom += 1 }
                    return room.leave(client.id)
                case .nobody: return
                }
            }
        }

        /// - Returns: Whether it was let in.
        private mutating func ask(_ id: RequestID) -> Bool {
            router.began(id, at: candidate, now: now)
            lastTicket += 1
            let ticket = AdmissionTicket(number: lastTicket)
            switch queue.arrive(ticket, now: now) {
            case .admitted:
                tickets[ticket] = id
                start(ticket)
            case .queued: tickets[ticket] = id
            case .refused:
                var failure = ChatError(.overloaded, "full", retryAfter: queue.retryAfter)
                failure.roomAfter = queue.roomAfter
                router.failed(id, at: candidate, with: failure, now: now)
                return false
            }
            return true
        }
    }

    @Test(
        "A hundred clients at once on four slots are all answered when the answers take a second",
        arguments: 1...5 as ClosedRange<UInt64>)
    func hundred(seed: UInt64) {
        print("seed \(seed)")
        var house = House(slots: 4, queueLimit: 64, hold: 0.5...1.5, seed: seed)
        house.arrive(100)
        house.run(until: .seconds(300))
        #expect(house.answered.count == 100)
        #expect(house.refused.isEmpty)
    }

    @Test(
        "When answers take long those who find no room are told so after they have waited, with a true time",
        arguments: 1...5 as ClosedRange<UInt64>)
    func slow(seed: UInt64) throws {
        print("seed \(seed)")
        var house = House(slots: 4, queueLimit: 64, hold: 8...12, seed: seed)
        house.arrive(100)
        house.run(until: .seconds(600))
        #expect(house.answered.count + house.refused.count == 100)
        #expect(house.refusedWithRoom == 0)
        #expect(!house.refused.isEmpty)
        for (_, refused) in house.refused {
            #expect(refused.failure.code == .rateLimited)
            #expect(refused.at >= .seconds(20))
            #expect(refused.failure.retryAfter.map { $0 >= .seconds(1) && $0 <= .seconds(200) } == true)
        }
    }

    @Test("Nobody is refused while the queue has room, whenever they come", arguments: 1...5 as ClosedRange<UInt64>)
    func waves(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var house = House(slots: 4, queueLimit: 16, hold: 0.5...4, seed: seed)
        var came = 0
        for wave in 0..<40 {
            let count = Int.random(in: 0...30, using: &generator)
            came += count
            house.arrive(count)
            house.run(until: .seconds(Double(wave + 1) * 3))
            house.now = max(house.now, .seconds(Double(wave + 1) * 3))
        }
        house.run(until: .seconds(600))
        #expect(house.answered.count + house.refused.count == came)
        #expect(house.refusedWithRoom == 0)
    }
}
