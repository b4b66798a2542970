// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("Forgiveness")
struct ForgivenessTests {
    private static let failed = Candidate(node: "failed", model: "m")

    /// Two nodes of four slots, each answer four seconds long; requests come faster than one of them can answer.
    private struct Outage {
        var router: Router
        var running: [NodeID: [(id: RequestID, end: MonotonicInstant)]] = [:]
        var waiting: [RequestID] = []
        var attempts = 0
        var firstUse: MonotonicInstant?
        let down: Range<Double>

        mutating func run(seed: UInt64, until end: Double) {
            var generator = SeededGenerator(seed: seed)
            var next = 0.0
            for step in 0..<Int(end * 20) {
                let now = MonotonicInstant.seconds(Double(step) / 20)
                finish(now)
                while next <= Double(step) / 20 {
                    place(now)
                    next += Double.random(in: 0.2...0.9, using: &generator)
                }
            }
        }

        private mutating func finish(_ now: MonotonicInstant) {
            for (node, all) in running {
                for served in all where served.end <= now {
                    router.succeeded(
                        served.id, at: Candidate(node: node, name: node == "failed" ? "failed" : "other", model: "m"),
                        now: now)
                }
                running[node] = all.filter { $0.end > now }
            }
            while !waiting.isEmpty, running["other", default: []].count < 4 {
                running["other", default: []].append((waiting.removeFirst(), now + .seconds(4)))
            }
        }

        private mutating func place(_ now: MonotonicInstant) {
            let nodes: [NodeSnapshot] = [
                .sketch("failed", slots: 4, outstanding: running["failed", default: []].count, takenAt: now),
                .sketch(
                    "other", slots: 4, outstanding: running["other", default: []].count + waiting.count,
                    takenAt: now),
            ]
            let id = RequestID.random()
            for choice in router.decide(RouteRequest(), among: nodes, now: now).choices {
                router.began(id, at: choice.candidate, for: RouteRequest(), now: now)
                guard choice.candidate.node == "failed" else {
                    if running["other", default: []].count < 4 {
                        running["other", default: []].append((id, now + .seconds(4)))
                    } else {
                        waiting.append(id)
                    }
                    return
                }
                attempts += 1
                guard down.contains(Double(now.nanoseconds) / 1e9) else {
                    if now >= .seconds(down.upperBound) { firstUse = firstUse ?? now }
                    running["failed", default: []].append((id, now + .seconds(4)))
                    return
                }
                router.failed(id, at: choice.candidate, with: ChatError(.unreachable, "refused"), now: now)
            }
        }
    }

    @Test(
        "A node that comes back is used within two seconds while another has a queue, though nobody says so",
        arguments: 1...10 as ClosedRange<UInt64>)
    func simulation(seed: UInt64) throws {
        var outage = Outage(router: Router(generator: SeededGenerator(seed: seed)), down: 20..<40)
        outage.run(seed: seed, until: 60)
        let firstUse = try #require(outage.firstUse)
        print("seed \(seed): used \((firstUse - .seconds(40)).milliseconds) ms after its return")
        #expect(firstUse - .seconds(40) <= .seconds(2))
    }

    @Test("A success ends what failures before it cost")
    func success() {
        var router = Router(generator: SeededGenerator(seed: 1))
        for _ in 0..<4 { router.failed(.random(), at: Self.failed, with: ChatError(.engineError, "no"), now: .zero) }
        let nodes = [NodeSnapshot.sketch("failed"), .sketch("other", latency: .milliseconds(1))]
        #expect(router.decide(RouteRequest(), among: nodes, now: .seconds(1)).choices.first?.candidate.node == "other")
        router.began("r", at: Self.failed, now: .seconds(1))
        router.succeeded("r", at: Self.failed, now: .seconds(2))
        let decision = router.decide(RouteRequest(), among: nodes, now: .seconds(2))
        #expect(decision.choices.map(\.estimate.penalty) == [.zero, .zero])
    }

    @Test("One that failed gets a request a second while the best is busy, and none while that is idle")
    func probes() {
        var router = Router(generator: SeededGenerator(seed: 1))
        router.failed(.random(), at: Self.failed, with: ChatError(.engineError, "no"), now: .zero)
        func first(_ outstanding: Int, at now: Double) -> RouteDecision.Choice? {
            router.decide(
                RouteRequest(), among: [.sketch("failed"), .sketch("other", outstanding: outstanding)],
                now: .seconds(now)
            ).choices.first
        }
        #expect(first(1, at: 0.9)?.candidate.node == "other")
        #expect(first(0, at: 1.1)?.candidate.node == "other")
        #expect(first(1, at: 1.1)?.candidate.node == "failed")
        #expect(first(1, at: 1.1)?.reason == .probe)
        router.began("probe", at: Self.failed, now: .seconds(1.1))
        #expect(first(1, at: 1.2)?.candidate.node == "other")
        router.failed("probe", at: Self.failed, with: ChatError(.engineError, "no"), now: .seconds(1.2))
        #expect(first(1, at: 2.1)?.candidate.node == "other")
        #expect(first(1, at: 2.3)?.candidate.node == "failed")
    }

    @Test("One that keeps clients waiting before it fails is tried no more often than it takes")
    func slowFailures() {
        var router = Router(generator: SeededGenerator(seed: 1))
        router.began("slow", at: Self.failed, now: .zero)
        router.failed("slow", at: Self.failed, with: ChatError(.timeout, "no"), now: .seconds(30))
        func first(at now: Double) -> NodeID? {
            router.decide(
                RouteRequest(), among: [.sketch("failed"), .sketch("other", outstanding: 1)], now: .seconds(now)
            ).choices.first?.candidate.node
        }
        #expect(first(at: 40) == "other")
        #expect(first(at: 61) == "failed")
    }

    @Test("No breaker and no penalty comes of a node whose engine is known to be down: it is not asked")
    func engineDown() {
        let router = Router()
        let decision = router.decide(
            RouteRequest(), among: [.sketch("failed", engine: .down("refused")), .sketch("other", outstanding: 9)],
            now: .zero)
        #expect(decision.choices.map(\.candidate.node) == ["other"])
        #expect(decision.skipped.map(\.reason.description) == ["engine-down(refused)"])
    }
}
