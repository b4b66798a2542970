// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import Testing

@Suite struct UsageTests {
    private let day = UTCDay(number: 20_000)

    private func subject(_ holder: String, day: Int = 0, model: String = "m") -> UsageSubject {
        UsageSubject(day: self.day.advanced(by: day), holder: holder, model: model, node: "desk")
    }

    @Test func `what was used is added up by day, key, model and node`() async throws {
        let store = try Store.inMemory()
        let one = UsageCount(requests: 1, promptTokens: 2, answerTokens: 3)
        try await store.addUsage([subject("a"): one, subject("b"): one], today: day)
        try await store.addUsage([subject("a"): one, subject("a", model: "n"): one], today: day)
        let rows = try await store.usage(from: day, to: day)
        #expect(rows.map(\.subject) == [subject("a"), subject("a", model: "n"), subject("b")])
        #expect(rows.map(\.count.requests) == [2, 1, 1])
        #expect(try await store.usage(from: day, to: day, of: "b").count == 1)
        #expect(try await store.tokensUsed(on: day) == ["a": 15, "b": 5])
        #expect(try await store.tokensUsed(on: day.advanced(by: 1)).isEmpty)
    }

    @Test func `usage is kept for four hundred days, and in bounded rows`() async throws {
        let store = try Store.inMemory(limits: StoreLimits(usageRows: 6, usageRowsPerDay: 3))
        let one = UsageCount(requests: 1)
        try await store.addUsage([subject("a", day: -400): one, subject("a", day: -399): one], today: day)
        let first = UTCDay(number: 0)
        #expect(try await store.usage(from: first, to: day).map(\.subject.day.number) == [day.number - 399])
        for model in 0..<9 { try await store.addUsage([subject("a", model: "m\(model)"): one], today: day) }
        let rows = try await store.usage(from: day, to: day)
        #expect(rows.count == 4)
        #expect(rows.first { $0.subject.model == UsageSubject.others }?.count.requests == 6)
        for back in 1...5 { try await store.addUsage([subject("b", day: -back): one], today: day) }
        #expect(try await store.usage(from: first, to: day).count <= 6)
        #expect(try await store.usage(from: day, to: day).count == 4)
    }

    @Test func `counts stop at what every reader of JSON takes exactly`() async throws {
        let store = try Store.inMemory()
        let much = UsageCount(requests: .max, promptTokens: .max, answerTokens: .max)
        for _ in 0..<2 { try await store.addUsage([subject("a"): much], today: day) }
        #expect(try await store.usage(from: day, to: day).first?.count.promptTokens == UsageCount.most)
        #expect(try await store.tokensUsed(on: day)["a"] == UsageCount.most)
    }

    @Test func `a key is kept with its limits`() async throws {
        let store = try Store.inMemory()
        let limits = KeyLimits(
            rate: RequestRate(60, per: .minute), tokensPerDay: 1_000, concurrent: 3, priority: .batch,
            models: ["m", "n:latest"],
            addresses: ["10.0.0.0/8", "2001:db8::/32", "127.0.0.1"].compactMap { AddressRange($0) })
        let key = ClientKeyRecord(
            id: "abcdefgh", name: "n", scopes: [.chat], digest: [UInt8](repeating: 7, count: 32), createdAt: .epoch,
            limits: limits)
        try await store.insert(key)
        #expect(try await store.clientKeys() == [key])
    }
}
