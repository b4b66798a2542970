// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTracing
import Testing

@Suite("The queue to the collector")
struct OTLPQueueTests {
    /// A queue and its clock.
    private final class Sender {
        var queue = OTLPQueue()
        var now = MonotonicInstant.zero

        @discardableResult
        func add() -> Bool { queue.add(TraceRecorder(trace: TraceID(of: .random()), isSampled: true), now: now) }

        func add(_ count: Int) { for _ in 0..<count { add() } }

        func next() -> Int? { queue.next(now: now)?.count }

        /// Waits until something is due, and sends it.
        func send(_ answer: OTLPQueue.Answer) -> Int? {
            if let due = queue.nextDue { now = due }
            guard let batch = queue.next(now: now) else { return nil }
            queue.sent(answer, now: now)
            return batch.count
        }
    }

    private let sender = Sender()

    @Test func `The first waits a moment for others and goes with them`() {
        #expect(sender.add())
        #expect(!sender.add())
        #expect(sender.next() == nil)
        #expect(sender.send(.taken) == 2)
        #expect(sender.queue.nextDue == nil)
    }

    @Test func `Many go in batches`() {
        sender.add(OTLPQueue.batch * 2 + 1)
        #expect(sender.send(.taken) == OTLPQueue.batch)
        #expect(sender.send(.taken) == OTLPQueue.batch)
        #expect(sender.send(.taken) == 1)
        #expect(sender.queue.dropped == 0)
    }

    @Test func `When there is no room the oldest goes, and is counted`() {
        sender.add(OTLPQueue.capacity + 3)
        #expect(sender.queue.dropped == 3)
    }

    @Test func `A collector that wants it later gets the same again, when it said`() throws {
        sender.add(1)
        #expect(sender.send(.later(.seconds(7))) == 1)
        let due = try #require(sender.queue.nextDue)
        #expect(due - sender.now == .seconds(7))
        #expect(sender.next() == nil)
        #expect(sender.send(.taken) == 1)
    }

    @Test func `It is tried some times and then dropped, each pause longer than the one before`() {
        sender.add(1)
        var pauses: [Duration] = []
        for _ in 1..<OTLPQueue.tries {
            #expect(sender.send(.later(nil)) == 1)
            pauses.append((sender.queue.nextDue ?? sender.now) - sender.now)
        }
        #expect(pauses == pauses.sorted() && Set(pauses).count == pauses.count)
        #expect(sender.send(.later(nil)) == 1)
        #expect(sender.queue.dropped == 1)
        #expect(sender.queue.nextDue == nil)
    }

    @Test func `What is refused is not sent again`() {
        sender.add(1)
        #expect(sender.send(.refused) == 1)
        #expect(sender.queue.dropped == 1)
        #expect(sender.queue.nextDue == nil)
    }

    @Test func `What comes while a batch is on its way goes with the next`() {
        sender.add(1)
        sender.now = sender.queue.nextDue ?? sender.now
        #expect(sender.next() == 1)
        #expect(!sender.add())
        #expect(sender.next() == nil)
        sender.queue.sent(.taken, now: sender.now)
        #expect(sender.send(.taken) == 1)
    }

    @Test func `Answers are understood as the protocol has it`() {
        #expect(OTLPQueue.Answer(status: 200, retryAfter: nil) == .taken)
        #expect(OTLPQueue.Answer(status: 429, retryAfter: "3") == .later(.seconds(3)))
        #expect(OTLPQueue.Answer(status: 503, retryAfter: "Wed, 21 Oct 2026 07:28:00 GMT") == .later(nil))
        #expect(OTLPQueue.Answer(status: 503, retryAfter: "-1") == .later(nil))
        #expect(OTLPQueue.Answer(status: 500, retryAfter: "3") == .refused)
        #expect(OTLPQueue.Answer(status: 400, retryAfter: nil) == .refused)
    }
}
