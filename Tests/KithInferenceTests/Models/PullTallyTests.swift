// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithInference

@Suite struct PullTallyTests {
    private func sign(_ part: String?, _ total: Int?, _ completed: Int = 0) -> PullSign {
        PullSign(status: "pulling", part: part, total: total, completed: completed)
    }

    @Test("Parts are counted together, and a part that is there stays there")
    func sum() {
        var tally = PullTally()
        let news = [
            tally.take(sign("a", 100, 10)), tally.take(sign("b", 50)), tally.take(sign("a", 100, 60)),
            tally.take(sign("a", 100, 5)), tally.take(sign(nil, nil)),
        ]
        #expect(news == [true, true, false, false, false])
        #expect((tally.total, tally.completed, tally.missing) == (150, 60, 90))
    }

    @Test("No numbers of an engine's trap, and none of its lists grows without end")
    func hostile() {
        var tally = PullTally()
        for part in 0..<1_000 { _ = tally.take(sign("\(part)", .max, .max)) }
        #expect(tally.total == .max)
        _ = tally.take(sign("x", 0, .max))
        _ = tally.take(sign("0", .max, .max))
        #expect(tally.missing == 0)
    }

    private var tally: PullTally {
        var tally = PullTally()
        _ = tally.take(sign("a", 5_000_000_000, 1_000_000_000))
        return tally
    }

    @Test("What does not fit the disk is refused with the numbers")
    func disk() throws {
        #expect(DiskRoom(free: nil, taken: 0, budget: nil).refusal(of: "m", tally) == nil)
        #expect(DiskRoom(free: 4_000_000_000 + DiskRoom.reserve, taken: 0, budget: nil).refusal(of: "m", tally) == nil)
        let refusal = try #require(DiskRoom(free: 3_000_000_000, taken: 0, budget: nil).refusal(of: "m", tally))
        #expect(refusal.reason == .diskFull)
        #expect(refusal.message.contains("needs 4.0 GB more, and the disk has 3.0 GB left"))
        let shared = DiskRoom(free: 5_000_000_000, promised: 2_000_000_000, taken: 0, budget: nil)
        #expect(shared.refusal(of: "m", tally)?.message.contains("2.0 GB are for other pulls") == true)
    }

    @Test("What does not fit the owner's budget is refused with the numbers")
    func budget() throws {
        #expect(DiskRoom(free: nil, taken: 1_000_000_000, budget: 6_000_000_000).refusal(of: "m", tally) == nil)
        let refusal = try #require(
            DiskRoom(free: nil, taken: 2_000_000_000, budget: 6_000_000_000).refusal(of: "m", tally))
        #expect(refusal.reason == .overBudget)
        #expect(refusal.message.contains("takes 5.0 GB, and the models here 2.0 GB already"))
    }

    @Test("Where the budget is spent already, nothing is begun")
    func spent() {
        let refusal = DiskRoom(free: nil, taken: 7_000_000_000, budget: 6_000_000_000).refusal(of: "m", PullTally())
        #expect(refusal?.message.hasPrefix("the models here take 7.0 GB already, more than the 6.0 GB") == true)
    }

    @Test("Copies that broke off count, and are named")
    func unfinished() {
        var room = DiskRoom(free: nil, taken: 4_000_000_000, unfinished: 1_000_000_000, budget: 10_000_000_000)
        #expect(room.refusal(of: "m", tally) == nil)
        room.unfinished = 3_000_000_000
        let refusal = room.refusal(of: "m", tally)
        #expect(refusal?.message.contains("here 7.0 GB already, 3.0 GB of it copies that were not finished") == true)
    }

    @Test(
        "Bytes are written as people read them",
        arguments: [(999, "999 bytes"), (12_345, "12 kB"), (45_678_901, "45 MB"), (4_712_345_678, "4.7 GB")])
    func bytes(_ count: Int, _ words: String) {
        #expect("\(ByteText(count))" == words)
    }
}

@Suite struct PullBookTests {
    private let place = ModelPlace(kind: .ollama)
    private let start = MonotonicInstant(nanoseconds: 0)

    private func begin(_ book: inout PullBook, _ model: ModelID, at now: MonotonicInstant? = nil) -> PullBook.Beginning
    {
        book.begin(model, at: place, now: now ?? start, time: .epoch)
    }

    @Test("The same model is got once, under either of its names")
    func joins() throws {
        var book = PullBook()
        guard case .began(let pull) = begin(&book, "m") else { throw Unexpected() }
        #expect(begin(&book, "m:latest") == .joined(pull))
        #expect(book.end(pull.number, .done, now: start)?.end == .done)
        guard case .began = begin(&book, "m") else { throw Unexpected() }
        #expect(book.pulls(now: start).count == 1)
    }

    @Test("No more than some go on at once")
    func limit() throws {
        var book = PullBook()
        for number in 0..<PullBook.limit { _ = begin(&book, ModelID("m\(number)")) }
        guard case .refused(let refusal) = begin(&book, "one-more") else { throw Unexpected() }
        #expect(refusal.reason == .busy)
    }

    @Test("A pull keeps its machine awake until it ends, and one that never ends for some hours")
    func keepsAwake() throws {
        var book = PullBook()
        #expect(!book.keepsAwake(now: start))
        guard case .began(let pull) = begin(&book, "m") else { throw Unexpected() }
        #expect(book.keepsAwake(now: start + .seconds(3_600)))
        #expect(!book.keepsAwake(now: start + .seconds(86_400)))
        _ = book.end(pull.number, .done, now: start)
        #expect(!book.keepsAwake(now: start + .seconds(3_600)))
    }

    @Test("What has ended is told of for an hour, and no more than some")
    func remembers() throws {
        var book = PullBook()
        for number in 0..<40 {
            guard case .began(let pull) = begin(&book, ModelID("m\(number)")) else { throw Unexpected() }
            _ = book.end(pull.number, .cancelled, now: start)
        }
        #expect(book.pulls(now: start).count == PullBook.endedLimit)
        #expect(book.pulls(now: start + PullBook.remembers + .seconds(1)).isEmpty)
    }

    @Test("Two pulls that have room by themselves are known to each other")
    func beside() throws {
        var book = PullBook()
        guard case .began(let first) = begin(&book, "a"), case .began(let second) = begin(&book, "b") else {
            throw Unexpected()
        }
        _ = book.note(PullSign(status: "", part: "p", total: 100, completed: 30), of: first.number)
        #expect(book.beside(second.number) == (100, 70))
        #expect(book.beside(first.number) == (0, 0))
        _ = book.end(first.number, .done, now: start)
        #expect(book.beside(second.number) == (100, 0))
    }

    @Test("Signs after the end change nothing")
    func late() throws {
        var book = PullBook()
        guard case .began(let pull) = begin(&book, "m") else { throw Unexpected() }
        _ = book.end(pull.number, .cancelled, now: start)
        #expect(book.note(PullSign(status: "late"), of: pull.number) == nil)
        #expect(book.end(pull.number, .done, now: start) == nil)
    }

    private struct Unexpected: Error {}
}

@Suite struct RemovalTests {
    private func refusal(
        _ residency: Residency, preferred: Bool = false, running: Int = 0, pulling: Bool = false, forced: Bool = false
    ) -> ModelRefusal.Reason? {
        var model = KeptModel(id: "m", residency: residency)
        model.isPreferred = preferred
        return Removal.refusal(of: model, running: running, isPulling: pulling, isForced: forced)?.reason
    }

    @Test("A model that nobody needs may go")
    func free() {
        #expect(refusal(.onDisk) == nil)
        #expect(refusal(.loaded) == nil)
        #expect(refusal(.onDisk, running: 3) == nil)
    }

    @Test("One that answers, or that the settings name, goes by force only; one that is being got not even then")
    func kept() {
        #expect(refusal(.loaded, running: 1) == .inUse)
        #expect(refusal(.unknown, running: 1) == .inUse)
        #expect(refusal(.onDisk, preferred: true) == .preferred)
        #expect(refusal(.loaded, preferred: true, running: 1, forced: true) == nil)
        #expect(refusal(.onDisk, pulling: true, forced: true) == .pulling)
    }
}
