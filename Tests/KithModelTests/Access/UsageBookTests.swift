// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite struct UsageBookTests {
    private let noon = WallTime(milliseconds: 86_400_000 / 2)
    private let tomorrow = WallTime(milliseconds: 86_400_000 + 1)

    private func use(_ read: Int, _ made: Int = 0) -> RequestUse {
        RequestUse(model: "m", node: NodeName("desk"), promptTokens: read, answerTokens: made)
    }

    private func begin(
        _ book: inout UsageBook, _ limits: KeyLimits, tokens: Int = 0, at now: WallTime? = nil
    ) -> Result<Int, UsageBook.Refusal> {
        book.begin("k", limits: limits, tokens: tokens, now: now ?? noon)
    }

    private func refusal(_ result: Result<Int, UsageBook.Refusal>) -> UsageBook.Refusal? {
        if case .failure(let error) = result { error } else { nil }
    }

    @Test func `no more are under way than may be, and each that ends makes room`() throws {
        var book = UsageBook()
        let limits = KeyLimits(concurrent: 2)
        _ = try begin(&book, limits).get()
        _ = try begin(&book, limits).get()
        #expect(refusal(begin(&book, limits)) == .tooManyAtOnce(2))
        book.end("k", claim: 0, use: nil, now: noon)
        #expect(refusal(begin(&book, limits)) == nil)
    }

    @Test func `a day's tokens are used up by what answers used, and are whole again after midnight in UTC`() throws {
        var book = UsageBook()
        let limits = KeyLimits(tokensPerDay: 100)
        let claim = try begin(&book, limits, tokens: 10).get()
        book.end("k", claim: claim, use: use(60, 45), now: noon)
        #expect(refusal(begin(&book, limits)) == .tokensUsedUp(100, in: .seconds(43_200)))
        #expect(refusal(begin(&book, limits, at: tomorrow)) == nil)
    }

    @Test func `a clock that is set back gives no day's tokens a second time`() throws {
        var book = UsageBook()
        let limits = KeyLimits(tokensPerDay: 100)
        let claim = try begin(&book, limits, at: tomorrow).get()
        book.end("k", claim: claim, use: use(100), now: tomorrow)
        #expect(refusal(begin(&book, limits, at: noon)) != nil)
    }

    @Test func `a clock that was years ahead does not lock a key for years`() throws {
        var book = UsageBook()
        let limits = KeyLimits(tokensPerDay: 100)
        let claim = try begin(&book, limits, tokens: 10, at: WallTime(milliseconds: 86_400_000 * 4_000)).get()
        book.end("k", claim: claim, use: use(100), now: WallTime(milliseconds: 86_400_000 * 4_000))
        #expect(refusal(begin(&book, limits)) == nil)
    }

    @Test func `of two at once at the edge of a day's tokens one goes on`() throws {
        var book = UsageBook(used: ["k": 99], on: UTCDay(noon))
        let limits = KeyLimits(tokensPerDay: 100)
        let claim = try begin(&book, limits, tokens: 4_000).get()
        #expect(claim == 1)
        #expect(refusal(begin(&book, limits, tokens: 1)) == .tokensClaimed(100))
        book.end("k", claim: claim, use: nil, now: noon)
        #expect(refusal(begin(&book, limits, tokens: 1)) == nil)
    }

    @Test func `counts stop where numbers end`() throws {
        var book = UsageBook()
        for _ in 0..<3 {
            _ = try begin(&book, KeyLimits(), tokens: .max).get()
            book.end("k", claim: 0, use: use(.max, .max), now: noon)
        }
        #expect(book.tokens(of: "k", on: UTCDay(noon)) >= UsageCount.most)
        let counts = book.takeUnsaved()
        #expect(counts.values.allSatisfy { $0.promptTokens <= UsageCount.most && $0.requests == 3 })
        _ = try begin(&book, KeyLimits(), tokens: -5).get()
        book.end("k", claim: 0, use: use(-7, -7), now: noon)
    }

    @Test func `models that are made up fill no memory`() throws {
        var book = UsageBook()
        for number in 0..<(UsageBook.pendingLimit + 500) {
            book.end("k", claim: 0, use: RequestUse(model: ModelID("m\(number)"), node: nil), now: noon)
        }
        let counts = book.takeUnsaved()
        #expect(counts.count <= UsageBook.pendingLimit + 1)
        #expect(counts.values.reduce(0) { $0 + $1.requests } == UsageBook.pendingLimit + 500)
    }

    @Test func `what could not be written is counted again`() {
        var book = UsageBook()
        book.end("k", claim: 0, use: use(3), now: noon)
        let counts = book.takeUnsaved()
        book.end("k", claim: 0, use: use(4), now: noon)
        book.restore(counts)
        #expect(book.takeUnsaved().values.map(\.promptTokens) == [7])
    }

    @Test func `a claim is settled once, and also when its request is dropped`() {
        let book = LockedUses()
        do {
            let claim = UsageClaim { book.add($0) }
            claim.settle(use(1))
            claim.settle(use(2))
        }
        do {
            let claim = UsageClaim { book.add($0) }
            claim.expect(use(3))
        }
        #expect(book.all == [use(1), use(3)])
    }
}

import Synchronization

private final class LockedUses: Sendable {
    private let uses = Mutex<[RequestUse?]>([])

    func add(_ use: RequestUse?) { uses.withLock { $0.append(use) } }

    var all: [RequestUse?] { uses.withLock { $0 } }
}
