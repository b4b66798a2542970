// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithInference

@Suite("Patience when every queue is full")
struct QueueWaitTests {
    private static func decision(_ rooms: Room?...) -> RouteDecision {
        let choices = rooms.enumerated().map { index, room in
            RouteDecision.Choice(
                candidate: Candidate(node: index == 0 ? "a" : "b", model: "m"),
                estimate: WaitEstimate(outstanding: 0, slots: 1), reason: .shortestWait, full: room)
        }
        return RouteDecision(choices: choices, skipped: [], isAlias: false)
    }

    private static func room(_ at: Double, turn: Double, isQuota: Bool = false) -> Room {
        Room(at: .seconds(at), turn: .seconds(turn), isQuota: isQuota)
    }

    @Test("Whoever has room is asked, though a fuller one stands before")
    func asks() {
        let patience = QueueWait(began: .zero)
        guard case .ask(let choice) = patience.next(Self.decision(Self.room(5, turn: 9), nil), now: .zero) else {
            Issue.record("nobody was asked")
            return
        }
        #expect(choice.candidate.node == "b")
    }

    @Test("While all are full it waits for the first place, and longer the more are ahead")
    func waits() {
        let patience = QueueWait(began: .zero)
        func wait(ahead: Int) -> Duration? {
            let decision = Self.decision(Self.room(0.2, turn: 9), Self.room(3, turn: 4))
            guard case .wait(let wait) = patience.next(decision, ahead: ahead, now: .zero) else { return nil }
            return wait
        }
        #expect(wait(ahead: 0) == .milliseconds(200))
        #expect(wait(ahead: 2) == .milliseconds(600))
        #expect(wait(ahead: 1_000) == QueueWait.longestWait)
    }

    @Test("It gives up with what is true when there will be no room in time, by its own limit or the caller's")
    func givesUp() {
        func refusal(_ patience: QueueWait, _ decision: RouteDecision, at now: Double) -> ChatError? {
            guard case .giveUp(let failure) = patience.next(decision, now: .seconds(now)) else { return nil }
            return failure
        }
        let full = Self.decision(Self.room(40, turn: 55.2))
        let atOnce = refusal(QueueWait(began: .zero), full, at: 0)
        #expect(atOnce?.code == .rateLimited)
        #expect(atOnce?.message == "every queue is full")
        #expect(atOnce?.retryAfter == .seconds(56))
        let soon = Self.decision(Self.room(5, turn: 6))
        #expect(refusal(QueueWait(began: .zero, deadline: .seconds(4)), soon, at: 0)?.retryAfter == .seconds(6))
        #expect(refusal(QueueWait(began: .zero, limit: .zero), soon, at: 0) != nil)
        #expect(refusal(QueueWait(began: .zero), Self.decision(Self.room(31, turn: 31)), at: 30) != nil)
        let quota = Self.decision(Self.room(60, turn: 60, isQuota: true))
        #expect(
            refusal(QueueWait(began: .zero), quota, at: 0)?.message == "whoever could answer wants fewer requests")
    }

    @Test("Where there is nobody to wait for it says so")
    func nobody() {
        guard case .nobody = QueueWait(began: .zero).next(Self.decision(), now: .zero) else {
            Issue.record("it waits for nobody")
            return
        }
    }

    @Test("Whoever is just loading a model is waited for, as long as there is patience, and no longer")
    func loading() {
        let decision = RouteDecision(
            choices: [], skipped: [.init(node: "a", name: "desk", reason: .engineLoading)], isAlias: false)
        let patience = QueueWait(began: .zero, limit: .seconds(10))
        guard case .waitForLoading(let wait) = patience.next(decision, now: .seconds(9.9)) else {
            Issue.record("it does not wait")
            return
        }
        #expect(wait == .milliseconds(100))
        guard case .nobody = patience.next(decision, now: .seconds(10)) else {
            Issue.record("it waits on")
            return
        }
    }

    @Test("A waiting room keeps the order and no more than it may hold")
    func waitingRoom() {
        var room = WaitingRoom()
        for number in 0..<WaitingRoom.capacity {
            let place = room.enter(RequestID(rawValue: "\(number)"))
            #expect(place == number)
        }
        let over = room.enter("over")
        #expect(over == nil)
        room.leave("0")
        let (again, now) = (room.enter("5"), room.enter("over"))
        #expect(again == 4)
        #expect(now == WaitingRoom.capacity - 1)
    }
}
