// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite("The last lines of the log")
struct LogRingTests {
    private func line(_ number: Int, _ level: LogSeverity = .info) -> LogLine {
        LogLine(time: WallTime(milliseconds: Int64(number)), level: level, label: "kith", message: "\(number)")
    }

    @Test func `The newest are kept, the oldest of them first`() {
        let ring = LogRing()
        for number in 0..<(LogRing.capacity + 5) { ring.add(line(number)) }
        let last = ring.last(LogRing.capacity, from: .trace).map(\.message)
        #expect(last.count == LogRing.capacity)
        #expect(last.first == "5")
        #expect(last.last == "\(LogRing.capacity + 4)")
        #expect(ring.last(2, from: .trace).map(\.message) == last.suffix(2))
    }

    @Test func `Less severe lines are left out`() {
        let ring = LogRing()
        for (number, level) in LogSeverity.allCases.enumerated() { ring.add(line(number, level)) }
        #expect(ring.last(10, from: .warning).map(\.level) == [.warning, .error, .critical])
    }

    @Test func `A follower gets the past and then what comes, each line once`() async throws {
        let ring = LogRing()
        ring.add(line(1))
        ring.add(line(2))
        var lines = try #require(ring.follow(1, from: .info)).makeAsyncIterator()
        ring.add(line(3, .debug))
        ring.add(line(4))
        #expect(await lines.next()?.message == "2")
        #expect(await lines.next()?.message == "4")
    }

    @Test func `Too many followers are turned away, and one that leaves makes room`() throws {
        let ring = LogRing()
        var followers = try (0..<LogRing.followerLimit).map { _ in try #require(ring.follow(0, from: .info)) }
        #expect(ring.follow(0, from: .info) == nil)
        followers.removeLast()
        #expect(ring.follow(0, from: .info) != nil)
    }

    @Test func `Long texts and many fields are cut`() {
        let long = String(repeating: "x", count: 10_000)
        let line = LogLine(
            time: .epoch, level: .info, label: "kith", message: long,
            metadata: Dictionary(uniqueKeysWithValues: (0..<100).map { ("key\($0)", long) }))
        #expect(line.message.utf8.count <= LogLine.textLimit)
        #expect(line.metadata.count < 100)
        #expect(line.metadata.values.allSatisfy { $0.utf8.count <= LogLine.textLimit })
    }
}
