// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("Router")
struct RouterTests {
    private var router = Router(generator: SeededGenerator(seed: 1))

    private func decide(
        _ request: RouteRequest = RouteRequest(), _ nodes: NodeSnapshot..., at now: MonotonicInstant = .zero
    )
        -> RouteDecision
    {
        router.decide(request, among: nodes, now: now)
    }

    @Test("A kith never gets a prompt, however idle it is")
    func kithIsSkipped() {
        let decision = decide(RouteRequest(), .sketch("friend", tier: .kith, level: 10))
        #expect(decision.choices.isEmpty)
        #expect(decision.skipped == [.init(node: "friend", reason: .notKin)])
        #expect(decision.knownModels.isEmpty)
    }

    @Test(
        "A node that cannot answer is skipped, and it is said why",
        arguments: [
            (NodeSnapshot.sketch("n", reachability: .down("refused")), SkipReason.down("refused")),
            (.sketch("n", reachability: .unknown), .unknown),
            (.sketch("n", isDraining: true), .draining),
            (.sketch("n", models: []), .noEngine),
            (.sketch("n", engine: .down("refused")), .engineDown("refused")),
            (.sketch("n", models: [], engine: .loading), .engineLoading),
            (.sketch("n", models: [], engine: .unknown), .beingDescribed),
            (.sketch("n", models: [.sketch("other")]), .modelAbsent),
            (.sketch("n", models: [.sketch("m", context: 10)]), .contextTooShort(10)),
        ])
    func skipReasons(node: NodeSnapshot, reason: SkipReason) {
        let decision = decide(RouteRequest(model: "m", tokens: 11), node)
        #expect(decision.choices.isEmpty)
        #expect(decision.skipped == [.init(node: "n", reason: reason)])
    }

    @Test("A request that names no model gets the first that a node offers")
    func defaultModel() {
        let decision = decide(RouteRequest(), .sketch("n", models: [.sketch("first"), .sketch("second")]))
        #expect(decision.choices.map(\.candidate.model) == ["first"])
        #expect(decision.choices.map(\.reason) == [.onlyCandidate])
    }

    @Test("A name without a tag means the tag latest")
    func impliedTag() {
        let decision = decide(RouteRequest(model: "llama3"), .sketch("n", models: [.sketch("llama3:latest")]))
        #expect(decision.choices.map(\.candidate.model) == ["llama3:latest"])
    }

    @Test("Only models that embed are asked for embeddings")
    func embeddings() {
        let decision = decide(
            RouteRequest(purpose: .embedding), .sketch("chats", models: [.sketch("m")]),
            .sketch("embeds", models: [.sketch("m", embeds: true)]))
        #expect(decision.choices.map(\.candidate.node) == ["embeds"])
        #expect(decision.skipped == [.init(node: "chats", reason: .lacks(.embeddings))])
    }

    @Test("A pinned request goes to its node or nowhere")
    func pin() {
        let decision = decide(RouteRequest(pin: "slow"), .sketch("fast"), .sketch("slow", outstanding: 9))
        #expect(decision.choices.map(\.candidate.node) == ["slow"])
        #expect(decision.choices.map(\.reason) == [.pinned])
        #expect(decision.skipped == [.init(node: "fast", reason: .pinnedElsewhere)])
    }

    @Test(
        "The node with the shorter estimated wait goes first",
        arguments: [
            (NodeSnapshot.sketch("better"), NodeSnapshot.sketch("worse", outstanding: 1)),
            (.sketch("better", slots: 4, outstanding: 3), .sketch("worse", slots: 1, outstanding: 1)),
            (.sketch("better", latency: .milliseconds(1)), .sketch("worse", latency: .milliseconds(2))),
            (.sketch("better", outstanding: 1), .sketch("worse", engine: .loading)),
            (.sketch("better", outstanding: 1), .sketch("worse", resident: [])),
            (.sketch("better", outstanding: 1, level: 4), .sketch("worse")),
        ])
    func ranking(better: NodeSnapshot, worse: NodeSnapshot) {
        #expect(decide(RouteRequest(), worse, better).choices.map(\.candidate.node) == ["better", "worse"])
    }

    @Test("A node that has proved slow is passed over for one that has proved fast")
    func learnsServiceTime() {
        var router = router
        for (node, seconds) in [("slow", 8.0), ("fast", 1.0)] as [(NodeName, Double)] {
            let candidate = Candidate(node: node, model: "m")
            for _ in 0..<10 {
                let id = RequestID.random()
                router.began(id, at: candidate, now: .seconds(8 - seconds))
                router.succeeded(id, at: candidate, now: .seconds(8))
            }
        }
        let nodes = [NodeSnapshot.sketch("slow"), .sketch("fast", outstanding: 1)]
        #expect(
            router.decide(RouteRequest(), among: nodes, now: .seconds(8)).choices.map(\.candidate.node) == [
                "fast", "slow",
            ])
    }

    @Test("A node that was slow once is tried again after a while instead of being avoided for ever")
    func slownessFades() {
        var router = router
        for (node, seconds) in [("slow", 3.0), ("fast", 1.0)] as [(NodeName, Double)] {
            let id = RequestID.random()
            router.began(id, at: Candidate(node: node, model: "m"), now: .seconds(3 - seconds))
            router.succeeded(id, at: Candidate(node: node, model: "m"), now: .seconds(3))
        }
        let nodes = [NodeSnapshot.sketch("slow", slots: 4), .sketch("fast", slots: 4, outstanding: 1)]
        func first(at now: MonotonicInstant) -> NodeID? {
            router.decide(RouteRequest(), among: nodes, now: now).choices.first?.candidate.node
        }
        #expect(first(at: .seconds(3)) == "fast")
        #expect(first(at: .seconds(33)) == "slow")
    }

    @Test("What was sent to a kin since its last report counts as its load")
    func reservations() {
        var router = router
        let nodes = [NodeSnapshot.sketch("a", takenAt: .seconds(1)), .sketch("b", takenAt: .seconds(1))]
        router.began(.random(), at: Candidate(node: "a", model: "m"), now: .seconds(2))
        #expect(
            router.decide(RouteRequest(), among: nodes, now: .seconds(2)).choices.map(\.candidate.node) == ["b", "a"])
    }

    @Test("A kin that tells absurd numbers of itself is merely a bad choice", arguments: [Int.max, Int.min])
    func absurdReports(number: Int) {
        var router = router
        let absurd = Candidate(node: "absurd", model: "m")
        for second in 0..<10 {
            let id = RequestID.random()
            router.began(id, at: absurd, now: .seconds(Double(second)))
            router.succeeded(id, at: absurd, now: .seconds(Double(second) + 600))
        }
        router.began(.random(), at: absurd, now: .seconds(700))
        let nodes = [
            NodeSnapshot.sketch("absurd", slots: .min, outstanding: number, level: 0),
            .sketch("sane"),
        ]
        let decision = router.decide(RouteRequest(), among: nodes, now: .seconds(700))
        #expect(decision.choices.map(\.candidate.node) == ["sane", "absurd"])
    }

    @Test("A node that fails fast does not look idle")
    func failureIsALongWait() {
        var router = router
        router.failed(
            .random(), at: Candidate(node: "fails", model: "m"), with: ChatError(.engineError, "no"), now: .zero)
        let nodes = [NodeSnapshot.sketch("fails"), .sketch("busy", outstanding: 5)]
        #expect(
            router.decide(RouteRequest(), among: nodes, now: .seconds(0.9)).choices.map(\.candidate.node) == [
                "busy", "fails",
            ])
    }

    @Test("After five failures in a row a node is skipped, and tried when nobody else is left")
    func breakerAndLeastBad() {
        var router = router
        for _ in 0..<5 {
            router.failed(
                .random(), at: Candidate(node: "a", model: "m"), with: ChatError(.timeout, "no"), now: .zero)
        }
        let both = router.decide(RouteRequest(), among: [.sketch("a"), .sketch("b")], now: .seconds(1))
        #expect(both.choices.map(\.candidate.node) == ["b"])
        #expect(both.skipped == [.init(node: "a", reason: .breakerOpen)])

        let alone = router.decide(RouteRequest(), among: [.sketch("a")], now: .seconds(1))
        #expect(alone.choices.map(\.reason) == [.leastBad])
        #expect(alone.skipped.isEmpty)
    }

    @Test("A node that drains answers itself when nobody else can, and is skipped otherwise")
    func lastResort() {
        let own = NodeSnapshot.sketch("own", isSelf: true, isDraining: true)
        let alone = decide(RouteRequest(), own, .sketch("kin", reachability: .down("refused")))
        #expect(alone.choices.map(\.candidate.node) == ["own"])
        #expect(alone.choices.map(\.reason) == [.lastResort])
        #expect(alone.skipped == [.init(node: "kin", reason: .down("refused"))])

        let both = decide(RouteRequest(), own, .sketch("kin", outstanding: 50))
        #expect(both.choices.map(\.candidate.node) == ["kin"])
        #expect(both.skipped == [.init(node: "own", reason: .draining)])
    }

    @Test("A kin that drains is not asked even then")
    func drainingKin() {
        #expect(decide(RouteRequest(), .sketch("kin", isDraining: true)).choices.isEmpty)
    }

    @Test("What an engine took is learned, not what the request waited for it")
    func queueIsNotLearned() {
        var router = router
        for (node, engine) in [("waited", 1.0), ("worked", 4.0)] as [(NodeName, Double)] {
            let candidate = Candidate(node: node, model: "m")
            for number in 0..<10 {
                router.began(RequestID(rawValue: "\(number)"), at: candidate, now: .zero)
                router.succeeded(
                    RequestID(rawValue: "\(number)"), at: candidate,
                    cost: EngineCost(engineTime: .seconds(engine), answerTokens: 92), now: .seconds(8))
            }
        }
        #expect(router.tokensPerSecond[Candidate(node: "waited", model: "m")].map { abs($0 - 100) < 1e-6 } == true)
        #expect(router.tokensPerSecond[Candidate(node: "worked", model: "m")].map { abs($0 - 25) < 1e-6 } == true)
    }

    @Test("An engine is not believed to have worked longer than the whole request took")
    func engineTimeIsBounded() {
        var router = router
        let candidate = Candidate(node: "n", model: "m")
        router.began("r", at: candidate, now: .zero)
        router.succeeded(
            "r", at: candidate, cost: EngineCost(engineTime: .seconds(5_000), answerTokens: 92), now: .seconds(1))
        #expect(router.tokensPerSecond[candidate].map { abs($0 - 100) < 1e-6 } == true)
    }

    @Test("A choice says what its place is made of")
    func estimate() throws {
        var router = router
        let candidate = Candidate(node: "n", model: "m")
        for number in 0..<1_000 {
            router.began(RequestID(rawValue: "\(number)"), at: candidate, now: .zero)
            router.succeeded(
                RequestID(rawValue: "\(number)"), at: candidate,
                cost: EngineCost(engineTime: .seconds(1), answerTokens: 92), now: .seconds(1))
        }
        let node = NodeSnapshot.sketch(
            "n", isSelf: true, engine: .loading, slots: 2, outstanding: 4, latency: .milliseconds(7), level: 2)
        let choice = try #require(
            router.decide(RouteRequest(tokens: 160), among: [node], now: .seconds(1)).choices.first)
        let estimate = choice.estimate
        #expect(estimate.outstanding == 4)
        #expect(estimate.slots == 2)
        let tokensPerSecond = try #require(estimate.tokensPerSecond)
        #expect(abs(tokensPerSecond - 100) < 1e-6)
        #expect(abs(estimate.work - 110) < 1e-6)
        #expect(abs(estimate.queue.seconds - 1.5) < 1e-6)
        #expect(abs(estimate.service.seconds - 1.1) < 1e-6)
        #expect(estimate.latency == .milliseconds(7))
        #expect(estimate.coldLoad == LoadTime.first)
        #expect(abs(estimate.untilWhole.seconds - 7.607) < 1e-6)
        #expect(abs(choice.score.seconds - (1.5 + 0.4 * (1.1 * 1.125 + 5) + 0.007) / 2) < 1e-6)
    }

    @Test("Of two nodes that are as good as each other the emptier one goes first")
    func ties() {
        let choices = decide(
            RouteRequest(), .sketch("fuller", slots: 4, outstanding: 1), .sketch("emptier", slots: 4)
        ).choices
        #expect(choices.map(\.candidate.node) == ["emptier", "fuller"])
    }

    @Test("However many models kin name, no more than a bound is remembered")
    func bounded() {
        var router = router
        for number in 0..<3_000 {
            let candidate = Candidate(node: "n", model: ModelID("m\(number)"))
            router.began("r", at: candidate, now: .seconds(Double(number)))
            router.succeeded("r", at: candidate, now: .seconds(Double(number)))
        }
        #expect(router.tokensPerSecond.count <= RouteKnowledge.capacity)
        #expect(router.tokensPerSecond[Candidate(node: "n", model: "m2999")] != nil)
    }

    @Test("A node that says it is overloaded stays a choice, with the wait it asked for and after those with room")
    func retryAfterIsObeyed() {
        var router = router
        let candidate = Candidate(node: "a", model: "m")
        router.failed(
            .random(), at: candidate, with: ChatError(.overloaded, "full", retryAfter: .seconds(7)), now: .zero)
        let alone = router.decide(RouteRequest(), among: [.sketch("a")], now: .seconds(1))
        #expect(alone.choices.map(\.full?.at) == [.seconds(7)])
        #expect(alone.choices.map(\.estimate.queue) == [.seconds(6)])
        #expect(alone.roomAfter(now: .seconds(1)) == .seconds(6))
        let both = router.decide(
            RouteRequest(), among: [.sketch("a"), .sketch("b", outstanding: 50)], now: .seconds(6.9))
        #expect(both.choices.map(\.candidate.node) == ["b", "a"])
        #expect(both.roomAt == nil)
        let later = router.decide(RouteRequest(), among: [.sketch("a")], now: .seconds(7.1))
        #expect(later.choices.map(\.full) == [nil])
    }

    @Test("A node that comes back starts with a clean slate")
    func returnForgives() {
        var router = router
        for _ in 0..<5 {
            router.failed(
                .random(), at: Candidate(node: "a", model: "m"), with: ChatError(.unreachable, "no"), now: .zero)
        }
        router.returned("a")
        let decision = router.decide(RouteRequest(), among: [.sketch("a"), .sketch("b")], now: .seconds(1))
        #expect(decision.skipped.isEmpty)
        #expect(Set(decision.choices.map(\.score)).count == 1)
    }
}
