// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithInference

@Suite struct PiecePlanTests {
    private let start = MonotonicInstant(nanoseconds: 0)

    @Test("Machines take turns, two pieces each, the first that are missing first; what is there is not asked for")
    func turns() {
        var plan = PiecePlan(count: 7, holders: 2, there: [1, 2])
        let orders = plan.next(now: start)
        #expect(orders.map(\.piece) == [0, 3, 4, 5])
        #expect(orders.map(\.holder) == [0, 1, 0, 1])
        #expect(plan.next(now: start).isEmpty)
        plan.arrived(3, from: 1, now: start)
        #expect(plan.next(now: start) == [.init(holder: 1, piece: 6)])
        #expect(plan.outcome == .going)
        for (piece, holder) in [(0, 0), (4, 0), (5, 1), (6, 1)] { plan.arrived(piece, from: holder, now: start) }
        #expect(plan.outcome == .whole)
    }

    @Test("A piece that comes damaged is got from another machine, and without one refused after a second try")
    func damaged() {
        var plan = PiecePlan(count: 1, holders: 2)
        #expect(plan.next(now: start) == [.init(holder: 0, piece: 0)])
        for _ in 0..<2 {
            plan.damaged(0, from: 0)
            #expect(plan.next(now: start).count == 1)
        }
        plan.arrived(0, from: 1, now: start)
        #expect(plan.outcome == .whole)

        var alone = PiecePlan(count: 2, holders: 1)
        #expect(alone.next(now: start).count == 2)
        alone.arrived(1, from: 0, now: start)
        alone.damaged(0, from: 0)
        #expect(alone.next(now: start) == [.init(holder: 0, piece: 0)])
        alone.damaged(0, from: 0)
        #expect(alone.next(now: start).isEmpty)
        #expect(alone.outcome == .stuck(.init(piece: 0, holder: 0)))
    }

    @Test("A machine that fails is asked again after pauses that grow, and left after six failures in a row")
    func failing() {
        var plan = PiecePlan(count: 1, holders: 1)
        var now = start
        var pauses: [Duration] = []
        while plan.outcome == .going {
            guard let order = plan.next(now: now).first else {
                guard let next = plan.nextTry(after: now) else { break }
                pauses.append(next - now)
                now = next
                continue
            }
            plan.failed(order.piece, from: order.holder, now: now)
        }
        #expect(pauses == [.milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(8)])
        #expect(plan.outcome == .stuck(nil))
        #expect(plan.isLeft(0))
    }

    @Test("The two pieces that fail with one connection are one failure")
    func together() {
        var plan = PiecePlan(count: 2, holders: 1)
        #expect(plan.next(now: start).count == 2)
        plan.failed(0, from: 0, now: start)
        plan.failed(1, from: 0, now: start)
        #expect(plan.nextTry(after: start) == start + .milliseconds(500))
    }

    @Test("A piece that is far later than others is given up once a machine has nothing to do, and asked of that one")
    func slow() {
        var plan = PiecePlan(count: 6, holders: 2)
        #expect(plan.next(now: start).count == 4)
        for piece in [1, 3] { plan.arrived(piece, from: 1, now: start + .seconds(1)) }
        #expect(plan.next(now: start + .seconds(1)).map(\.piece) == [4, 5])
        var now = start + .seconds(30)
        #expect(plan.givingUp(now: now).isEmpty, "the other machine is at work itself")
        for piece in [4, 5] { plan.arrived(piece, from: 1, now: start + .seconds(2)) }
        now = start + .seconds(19)
        #expect(plan.givingUp(now: now).isEmpty && plan.nextTry(after: now) == start + PiecePlan.leastPatience)
        now = start + .seconds(20)
        #expect(Set(plan.givingUp(now: now)) == [.init(holder: 0, piece: 0), .init(holder: 0, piece: 2)])
        #expect(plan.givingUp(now: now).isEmpty && plan.next(now: now).isEmpty, "they have not ended yet")
        for piece in [0, 2] { plan.failed(piece, from: 0, now: now) }
        #expect(plan.next(now: now) == [.init(holder: 1, piece: 0), .init(holder: 1, piece: 2)])
    }

    @Test("A machine that is alone, or where all are as slow, is waited for")
    func equallySlow() {
        var alone = PiecePlan(count: 2, holders: 1)
        #expect(alone.next(now: start).count == 2)
        #expect(alone.givingUp(now: start + .seconds(3_600)).isEmpty && alone.nextTry(after: start) == nil)
        var both = PiecePlan(count: 5, holders: 2)
        #expect(both.next(now: start).count == 4)
        for piece in [1, 3] { both.arrived(piece, from: 1, now: start + .seconds(40)) }
        #expect(both.next(now: start + .seconds(40)) == [.init(holder: 1, piece: 4)])
        #expect(both.givingUp(now: start + .seconds(300)).isEmpty)
        #expect(both.givingUp(now: start + .seconds(320)).count == 2)
    }

    /// Machines of which one is sound answer in any order, fail, send damaged pieces, and come back.
    @Test(
        "With one sound machine every interleaving ends with all pieces, each asked of one machine at a time",
        arguments: 0..<200 as Range<UInt64>
    )
    func interleavings(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...40, using: &generator)
        let holders = Int.random(in: 1...4, using: &generator)
        let sound = Int.random(in: 0..<holders, using: &generator)
        let there = Set((0..<count).filter { _ in Bool.random(using: &generator) })
        var plan = PiecePlan(count: count, holders: holders, there: there)
        var underWay: [PiecePlan.Order] = []
        var arrived = there
        var now = start
        var failures = 0
        while plan.outcome == .going {
            let orders = plan.next(now: now)
            for order in orders {
                #expect(!arrived.contains(order.piece))
                #expect(!underWay.contains { $0.piece == order.piece })
                #expect(!plan.isLeft(order.holder))
            }
            underWay += orders
            for late in plan.givingUp(now: now) { #expect(underWay.contains(late)) }
            #expect((0..<holders).allSatisfy { holder in underWay.count { $0.holder == holder } <= PiecePlan.lanes })
            guard let place = underWay.indices.randomElement(using: &generator) else {
                guard let next = plan.nextTry(after: now) else { break }
                now = next
                continue
            }
            let order = underWay.remove(at: place)
            let fate = order.holder == sound ? 0 : Int.random(in: 0..<4, using: &generator)
            switch fate {
            case 1: plan.damaged(order.piece, from: order.holder)
            case 2:
                plan.failed(order.piece, from: order.holder, now: now)
                failures += 1
            default:
                plan.arrived(order.piece, from: order.holder, now: now)
                arrived.insert(order.piece)
            }
            now = now + .milliseconds(Int.random(in: 0..<400, using: &generator))
            if Int.random(in: 0..<20, using: &generator) == 0 { now = now + .seconds(30) }
        }
        #expect(plan.outcome == .whole)
        #expect(arrived == Set(0..<count))
        #expect(plan.arrivedCount == count)
    }

    @Test(
        "A file is cut into pieces that cover it, no more than a message holds",
        arguments: [1, 4 << 20, (4 << 20) + 1, 70 << 30, 1 << 42])
    func layout(bytes: Int) throws {
        let layout = try #require(PieceLayout(bytes: bytes))
        #expect((1...PieceLayout.countLimit).contains(layout.count))
        #expect(layout.range(of: 0).lowerBound == 0)
        #expect(layout.range(of: layout.count - 1).upperBound == bytes)
        #expect(!layout.range(of: layout.count - 1).isEmpty)
        #expect(PieceLayout(bytes: 0) == nil)
        #expect(PieceLayout(bytes: .max) == nil)
    }

    @Test("While prompts are answered weights are sent at the limit, all copies together, and else at once")
    func pace() {
        var pace = SendingPace(limit: 1 << 20)
        var sent = 0
        var now = start
        while now < start + .seconds(2) {
            let block = pace.block(isAnswering: true)
            now = now + pace.wait(toSend: block, isAnswering: true, now: now)
            sent += block
        }
        #expect((2 << 20...(2 << 20) + (1 << 18)).contains(sent))
        #expect(pace.wait(toSend: 1 << 30, isAnswering: false, now: now) == .zero)
        #expect(pace.wait(toSend: 1, isAnswering: true, now: now) == .zero)
        var free = SendingPace(limit: nil)
        #expect(free.wait(toSend: 1 << 30, isAnswering: true, now: now) == .zero)
    }
}
