// SPDX-License-Identifier: Apache-2.0

import KithTesting
import Testing

@testable import KithTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("Exchange machine", .timeLimit(.minutes(15)))
struct ExchangeMachineTests {
    private typealias Actions = ExchangeMachine.Actions

    /// A connection that has served one exchange and rests.
    private func rested() -> ExchangeMachine {
        var machine = ExchangeMachine(isReusable: true)
        for event: ExchangeMachine.Event in [
            .begin(1, isSafe: true), .written(1, .begun), .written(1, .all), .head(keepsAlive: true), .piece,
            .end(isOpen: true), .readOver,
        ] { _ = machine.handle(event) }
        return machine
    }

    private func last(_ machine: ExchangeMachine, _ events: ExchangeMachine.Event...) -> Actions {
        var machine = machine
        var actions = Actions.none
        for event in events { actions = machine.handle(event) }
        return actions
    }

    private var fresh: ExchangeMachine { ExchangeMachine(isReusable: true) }

    @Test("A connection rests when an answer is whole, its request was written, and the read has brought nothing else")
    func released() {
        #expect(rested().isIdle)
        let end = last(
            fresh, .begin(1, isSafe: false), .written(1, .all), .head(keepsAlive: true), .end(isOpen: true))
        #expect(end == Actions(timer: .clear, exchange: 1, tell: .whole))
        let more = last(
            fresh, .begin(1, isSafe: false), .written(1, .all), .head(keepsAlive: true), .end(isOpen: true),
            .head(keepsAlive: true))
        #expect(more.connection == .close && more.tell == .nothing)
    }

    @Test("A connection is closed after an answer that came too early, is to close it, or was ended by its end")
    func notReleased() {
        let begun = ExchangeMachine.Event.begin(1, isSafe: false)
        for actions in [
            last(fresh, begun, .written(1, .begun), .head(keepsAlive: true), .end(isOpen: true)),
            last(fresh, begun, .written(1, .all), .head(keepsAlive: false), .end(isOpen: true)),
            last(fresh, begun, .written(1, .all), .head(keepsAlive: true), .end(isOpen: false)),
            last(
                ExchangeMachine(isReusable: false), begun, .written(1, .all), .head(keepsAlive: true),
                .end(isOpen: true)),
        ] {
            #expect(actions.connection == .close)
            #expect(actions.tell == .whole)
        }
    }

    @Test("A late reader, cancellation or timer of an earlier exchange does not touch the one that runs")
    func late() {
        var machine = rested()
        _ = machine.handle(.begin(2, isSafe: false))
        for event: ExchangeMachine.Event in [
            .cancel(1), .expired(1), .hold(1), .resume(1), .renew(1, .write), .written(1, .all),
        ] {
            #expect(machine.handle(event) == .none)
        }
        #expect(machine.handle(.cancel(2)).connection == .close)
    }

    @Test("Only GET and HEAD are asked again, only after a connection that had served, and only before a head")
    func again() {
        let end = ExchangeMachine.Event.inactive
        #expect(last(rested(), .begin(2, isSafe: true), .written(2, .all), end).tell == .again)
        #expect(last(rested(), .begin(2, isSafe: false), .written(2, .begun), end).tell == .failure(.unanswered))
        #expect(last(rested(), .begin(2, isSafe: false), end).tell == .again)
        #expect(last(fresh, .begin(1, isSafe: true), .written(1, .all), end).tell == .failure(.unanswered))
        #expect(
            last(rested(), .begin(2, isSafe: true), .written(2, .all), .head(keepsAlive: true), end).tell
                == .failure(.cut))
    }

    @Test("What the other side says it did not look at is asked again, whatever it is")
    func untouched() {
        let stream = ExchangeMachine(isReusable: false)
        #expect(last(stream, .begin(1, isSafe: false), .written(1, .all), .fault(.untouched)).tell == .again)
    }

    @Test("The first byte is waited for from when the request is out, a slow reader is not, and a head changes nothing")
    func timers() {
        var machine = fresh
        #expect(machine.handle(.begin(1, isSafe: false)).timer == .set(.write))
        #expect(machine.handle(.written(1, .begun)).timer == .set(.write))
        #expect(machine.handle(.written(1, .all)).timer == .set(.firstByte))
        #expect(machine.handle(.head(keepsAlive: true)).timer == .keep)
        #expect(machine.handle(.renew(1, .piece)).timer == .keep)
        #expect(machine.handle(.renew(1, .firstByte)).timer == .set(.firstByte))
        #expect(machine.handle(.piece).timer == .set(.piece))
        #expect(machine.handle(.hold(1)) == Actions(timer: .clear, reads: .hold))
        #expect(machine.handle(.piece).timer == .clear)
        #expect(machine.handle(.expired(1)) == .none)
        #expect(machine.handle(.resume(1)) == Actions(timer: .set(.piece), reads: .resume))
        #expect(machine.handle(.expired(1)).tell == .failure(.timeout(.piece)))
    }

    // MARK: In any order

    /// Set `KITH_LONG_TESTS` for ten million steps in all.
    @Test(
        "Whatever comes in whatever order, each exchange ends once, and none touches another", arguments: [true, false])
    func random(isReusable: Bool) {
        let isLong = getenv("KITH_LONG_TESTS") != nil
        let seed = UInt64.random(in: 0...UInt64.max)
        let steps = isLong ? 5_000_000 : 100_000
        let clock = ContinuousClock()
        var run = MachineRun(seed: seed, isReusable: isReusable)
        let took = clock.measure { for _ in 0..<steps where run.complaint == nil { run.step() } }
        let pace = Double(steps) / (took / .seconds(1))
        print("exchange machine: seed \(seed), \(run.exchanges) exchanges, \(Int(pace)) steps/s")
        #expect(run.complaint == nil, "seed \(seed)")
        #expect(run.exchanges > steps / 50)
        #expect(!isReusable || run.releases > steps / 500)
    }
}

/// Drives one connection after another through events in random order, beside a plainer account of what is allowed.
private struct MachineRun {
    private struct Told {
        var number = 0
        var isSafe = false
        var written = ExchangeMachine.Written.nothing
        var hasHead = false
        var keepsAlive = false
        var isHeld = false
        var isRunning = false
        var wasCancelled = false
    }

    private var generator: SeededGenerator
    private let isReusable: Bool
    private var machine: ExchangeMachine
    private var told = Told()
    private var served = 0
    private var isPooled = false
    private var isClosed = false
    private var next = 1
    private var events: [ExchangeMachine.Event] = []
    private(set) var exchanges = 0
    private(set) var releases = 0
    private(set) var complaint: String?

    init(seed: UInt64, isReusable: Bool) {
        generator = SeededGenerator(seed: seed)
        self.isReusable = isReusable
        machine = ExchangeMachine(isReusable: isReusable)
    }

    mutating func step() {
        // A closed connection is still told things for a while.
        if isClosed, chance(4) { renew() }
        let event = choose()
        events.append(event)
        let before = told
        if case .begin(let number, let isSafe) = event { begun(number, isSafe: isSafe) }
        if case .written(let number, let part) = event, number == told.number, told.isRunning {
            told.written = max(told.written, part)
        }
        judge(machine.handle(event), after: event, before: before)
    }

    private mutating func renew() {
        if told.isRunning { complain("a connection closed without a last word to \(told.number)") }
        machine = ExchangeMachine(isReusable: isReusable)
        told = Told()
        (served, isPooled, isClosed, next) = (0, false, false, 1)
        events = []
    }

    private mutating func begun(_ number: Int, isSafe: Bool) {
        guard number == next, !told.isRunning, machine.isIdle, !isClosed else { return }
        next += 1
        exchanges += 1
        isPooled = false
        told = Told(number: number, isSafe: isSafe, isRunning: true)
    }

    private mutating func choose() -> ExchangeMachine.Event {
        // Mostly what is plausible, so that long lives occur; often enough anything at all.
        if chance(3) { return anything() }
        if machine.isIdle { return .begin(next, isSafe: chance(2)) }
        if !told.isRunning { return .readOver }
        if told.written < .all { return .written(told.number, chance(3) ? .begun : .all) }
        if !told.hasHead { return .head(keepsAlive: !chance(8)) }
        return chance(3) ? .end(isOpen: !chance(16)) : .piece
    }

    private mutating func anything() -> ExchangeMachine.Event {
        let number = chance(2) ? told.number : Int.random(in: 0...next, using: &generator)
        switch Int.random(in: 0..<20, using: &generator) {
        case 0: return .begin(chance(2) ? next : number, isSafe: chance(2))
        case 1: return .written(number, [.nothing, .begun, .all][Int.random(in: 0..<3, using: &generator)])
        case 2, 3: return .hold(number)
        case 4, 5: return .resume(number)
        case 6: return .renew(number, chance(2) ? .firstByte : .piece)
        case 7: return .cancel(number)
        case 8: return .expired(number)
        case 9: return .head(keepsAlive: chance(2))
        case 10, 11: return .piece
        case 12: return .end(isOpen: chance(2))
        case 13, 14: return .readOver
        case 15: return .inactive
        case 16:
            return .fault(
                [.broken, .malformed, .untrusted, .untouched, .unsendable].randomElement(using: &generator) ?? .broken)
        case 17: return .close
        case 18: return .unused
        default: return .written(told.number, .all)
        }
    }

    private mutating func judge(_ actions: ExchangeMachine.Actions, after event: ExchangeMachine.Event, before: Told) {
        if isClosed, actions != .none, actions.tell != .again || actions.connection != .keep {
            complain("a closed connection acts")
        }
        if let number = event.exchange, number != before.number, !event.isBegin, actions != .none {
            complain("exchange \(number) touches \(before.number)")
        }
        switch actions.reads {
        case .keep: break
        case .hold: told.isHeld = true
        case .resume:
            if !told.isHeld { complain("resumes what is not held") }
            told.isHeld = false
        }
        if actions.tell != .nothing { judgeWord(actions, after: event) }
        switch actions.connection {
        case .keep: break
        case .release:
            releases += 1
            if told.isRunning { complain("released while an exchange runs") }
            if !isReusable { complain("a stream was released") }
            if told.number > 0, !told.wasCancelled, !(told.written == .all && told.keepsAlive) {
                complain("released with half a request or after a last answer")
            }
            if told.isHeld { complain("released without reading") }
            isPooled = true
        case .close:
            isClosed = true
            isPooled = false
            if told.isRunning {
                switch event {
                case .cancel: (told.isRunning, told.wasCancelled) = (false, true)
                default: complain("closed without a last word")
                }
            }
        }
        if case .cancel(let number) = event, number == told.number, told.isRunning {
            complain("a cancellation is ignored")
        }
        if isClosed, case .set = actions.timer { complain("a closed connection waits") }
    }

    private mutating func judgeWord(_ actions: ExchangeMachine.Actions, after event: ExchangeMachine.Event) {
        if actions.tell == .again, event.isBegin, actions.connection == .keep { return }  // not begun here at all
        guard told.isRunning, actions.exchange == told.number else { return complain("a word after the last") }
        switch actions.tell {
        case .nothing, .readOver: break
        case .head:
            if told.hasHead { complain("two heads") }
            told.hasHead = true
            if case .head(let keepsAlive) = event { told.keepsAlive = keepsAlive }
        case .piece: if !told.hasHead { complain("a piece before the head") }
        case .whole:
            if !told.hasHead { complain("whole without a head") }
            served += 1
            told.isRunning = false
        case .failure: told.isRunning = false
        case .again:
            let isUntouched = event == .fault(.untouched) || told.written == .nothing
            if told.hasHead { complain("asked again after a head") }
            if !isUntouched, !told.isSafe { complain("a POST is repeated") }
            if !isUntouched, served == 0 { complain("asked again after a first connection failed") }
            told.isRunning = false
        }
    }

    private mutating func complain(_ what: String) {
        complaint = complaint ?? "\(what), after \(events.suffix(20))"
    }

    private mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &generator) == 0 }
}

extension ExchangeMachine.Event {
    fileprivate var exchange: Int? {
        switch self {
        case .begin(let number, _), .written(let number, _), .hold(let number), .resume(let number),
            .renew(let number, _), .cancel(let number), .expired(let number):
            number
        default: nil
        }
    }

    fileprivate var isBegin: Bool { if case .begin = self { true } else { false } }
}
