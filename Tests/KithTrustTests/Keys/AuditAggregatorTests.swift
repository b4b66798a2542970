// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTrust
import Testing

@Suite("Folding the audit trail")
struct AuditAggregatorTests {
    /// A fold and the time.
    private struct Scene {
        var resolution = AuditAggregator()
        var seconds: Int64 = 0

        var now: MonotonicInstant { MonotonicInstant.zero + .seconds(seconds) }
        var time: WallTime { WallTime(milliseconds: seconds * 1_000) }

        mutating func refuse(
            _ source: String? = "10.0.0.2", reason: String = "expired", subject: String? = nil,
            kind: AuditRecord.Kind = .clientRefused
        ) -> [AuditRecord] {
            resolution.record(kind, subject: subject, source: source, reason: reason, at: time, now: now)
        }

        mutating func due() -> [AuditRecord] { resolution.due(now: now) }
    }

    private func line(
        at seconds: Int64, count: Int = 1, source: String? = "10.0.0.2", reason: String = "expired",
        subject: String? = nil
    ) -> AuditRecord {
        AuditRecord(
            at: WallTime(milliseconds: seconds * 1_000), kind: .clientRefused, subject: subject, source: source,
            reason: reason, count: count)
    }

    @Test("The first is written at once, what repeats it when the minute is over")
    func repetition() {
        var scene = Scene()
        let first = scene.refuse()
        #expect(first == [line(at: 0)])
        for second in 1...50 {
            scene.seconds = Int64(second)
            let repeated = scene.refuse()
            #expect(repeated.isEmpty)
        }
        scene.seconds = 59
        let early = scene.due()
        #expect(early.isEmpty)
        scene.seconds = 60
        let due = scene.due()
        #expect(due == [line(at: 50, count: 50)])
    }

    @Test("A flood is one line a minute")
    func flood() {
        var scene = Scene()
        var lines: [AuditRecord] = []
        for second in 0..<600 {
            scene.seconds = Int64(second)
            for _ in 0..<10 { lines += scene.refuse() }
        }
        lines += scene.resolution.flush()
        #expect(lines.count == 11)
        #expect(lines.map(\.count).reduce(0, +) == 6_000)
    }

    @Test func `Addresses without end of one IPv6 network are one source`() {
        var scene = Scene()
        let first = scene.refuse("2001:db8:0:1::1")
        #expect(first.map(\.source) == ["2001:db8:0:1::1"])
        for number in 2...500 {
            let more = scene.refuse("2001:db8:0:1::\(String(number, radix: 16))")
            #expect(more.isEmpty)
        }
        scene.seconds = 60
        let due = scene.due()
        #expect(due.map(\.source) == ["2001:db8:0:1::/64"])
        #expect(due.map(\.count) == [499])
    }

    @Test("After a quiet minute the next is the first again")
    func quiet() {
        var scene = Scene()
        _ = scene.refuse()
        scene.seconds = 60
        let nothing = scene.due()
        #expect(nothing.isEmpty)
        #expect(scene.resolution.nextDue == nil)
        let next = scene.refuse()
        #expect(next == [line(at: 60)])
    }

    @Test("Kinds, sources and reasons are told apart")
    func distinct() {
        var scene = Scene()
        var lines = scene.refuse() + scene.refuse("10.0.0.3") + scene.refuse(reason: "revoked") + scene.refuse(nil)
        lines += scene.refuse(kind: .peerRefused)
        #expect(lines.count == 5)
    }

    @Test("What is due is also written with the next event")
    func dueWithEvent() {
        var scene = Scene()
        _ = scene.refuse()
        _ = scene.refuse()
        scene.seconds = 61
        let lines = scene.refuse("10.0.0.9")
        #expect(lines == [line(at: 0), line(at: 61, source: "10.0.0.9")])
    }

    @Test("The subject is named when all were about the same")
    func subjects() {
        var scene = Scene()
        let first = scene.refuse(subject: "a")
        #expect(first == [line(at: 0, subject: "a")])
        _ = scene.refuse(subject: "b")
        _ = scene.refuse(subject: "b")
        let same = scene.resolution.flush()
        #expect(same == [line(at: 0, count: 2, subject: "b")])
        _ = scene.refuse(subject: "a")
        _ = scene.refuse(subject: "b")
        _ = scene.refuse(subject: "c")
        let several = scene.resolution.flush()
        #expect(several == [line(at: 0, count: 2)])
    }

    @Test("Beyond 1,024 sources the rest is counted together")
    func overflow() {
        var scene = Scene()
        var lines: [AuditRecord] = []
        for number in 0..<5_000 { lines += scene.refuse("10.1.\(number / 256).\(number % 256)") }
        #expect(lines.count == AuditAggregator.limit + 1)
        #expect(lines.last == line(at: 0, source: nil, reason: AuditAggregator.others))
        scene.seconds = 60
        let due = scene.due()
        #expect(
            due == [line(at: 0, count: 5_000 - AuditAggregator.limit - 1, source: nil, reason: AuditAggregator.others)])
    }

    @Test("No event is lost or counted twice")
    func accounting() {
        for seed in UInt64(0)..<50 {
            var generator = SeededGenerator(seed: seed)
            var scene = Scene()
            var counted = 0
            for _ in 0..<2_000 {
                scene.seconds += Int64.random(in: 0...5, using: &generator)
                let source = "10.0.\(Int.random(in: 0..<20, using: &generator)).1"
                counted += scene.refuse(source).map(\.count).reduce(0, +)
            }
            counted += scene.resolution.flush().map(\.count).reduce(0, +)
            #expect(counted == 2_000, "seed \(seed)")
        }
    }
}
