// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("Not there, or not now")
struct RefusalTests {
    private static func refusal(
        _ model: ModelID? = "m", pin: NodeName? = nil, _ nodes: NodeSnapshot..., router: Router = Router(),
        at now: MonotonicInstant = .seconds(3_600)
    ) -> ChatError? {
        let request = RouteRequest(model: model, pin: pin)
        let decision = router.decide(request, among: nodes, now: now)
        return decision.choices.isEmpty ? decision.refusal(of: request, now: now) : nil
    }

    private static let without = NodeSnapshot.sketch("desk", models: [.sketch("other")])

    @Test("A model that no node has, or had lately, is not found")
    func notFound() {
        let refusal = Self.refusal(
            "m", Self.without, .sketch("none", models: []), .sketch("friend", tier: .kith),
            .sketch("gone", reachability: .down("refused"), models: []))
        #expect(refusal?.code == .modelNotFound)
        #expect(refusal?.knownModels == ["other"])
    }

    @Test(
        "A model that somebody may have who cannot be asked now is not answered with 'not found'",
        arguments: [
            NodeSnapshot.sketch("n", models: [], engine: .down("it does not answer")),
            .sketch("n", models: [.sketch("m:latest")], engine: .down("it does not answer")),
            .sketch("n", reachability: .new, models: []),
            .sketch("n", models: [], engine: .loading), .sketch("n", models: [], engine: .unknown),
            .sketch("n", reachability: .down("refused"), models: [.sketch("m")]),
            .sketch("n", reachability: .unknown, models: [], lastHeard: .seconds(3_590)),
            .sketch("n", reachability: .down("refused"), models: [], lastHeard: .seconds(3_500)),
        ])
    func notNow(node: NodeSnapshot) {
        for name in ["m", "m:latest"] as [ModelID] {
            let refusal = Self.refusal(name, Self.without, node)
            #expect(refusal?.code == .noEngine)
            #expect(refusal?.retryAfter.map { $0 >= .seconds(1) && $0 <= .seconds(5) } == true)
            #expect(refusal?.message.contains(" n ") == true)
        }
    }

    @Test("A name and the same name with the tag latest are refused alike, whatever is the matter", arguments: [1, 5])
    func shortNames(failures: Int) {
        for code in [ChatError.Code.rateLimited, .overloaded, .unreachable, .unauthorized, .noEngine] {
            var router = Router(generator: SeededGenerator(seed: 1))
            for number in 0..<failures {
                let id = RequestID.random()
                let candidate = Candidate(node: "n", model: "m:latest")
                router.began(id, at: candidate, now: .seconds(Double(number)))
                router.failed(id, at: candidate, with: ChatError(code, "no"), now: .seconds(Double(number)))
            }
            let node = NodeSnapshot.sketch("n", models: [.sketch("m:latest")])
            let codes = ["m", "m:latest"].map { name in
                Self.refusal(ModelID(name), node, router: router, at: .seconds(Double(failures)))?.code
            }
            #expect(codes[0] == codes[1])
            #expect(codes[0] != .modelNotFound)
        }
    }

    @Test("A model that was here ten minutes ago may come back")
    func lately() {
        var router = Router()
        router.began("r", at: Candidate(node: "desk", model: "m:latest"), now: .seconds(1_000))
        router.abandoned("r", at: Candidate(node: "desk", model: "m:latest"), now: .seconds(1_000))
        #expect(Self.refusal("m", Self.without, router: router, at: .seconds(1_599))?.code == .noEngine)
        #expect(Self.refusal("m", Self.without, router: router, at: .seconds(1_601))?.code == .modelNotFound)
    }

    @Test("The wait that is told ends when there is something new to find out")
    func retryAfter() {
        var router = Router()
        let candidate = Candidate(node: "n", model: "m")
        router.failed(
            "r", at: candidate, with: ChatError(.noEngine, "its key is looked for", retryAfter: .seconds(7)),
            now: .seconds(100))
        let refusal = Self.refusal("m", .sketch("n"), router: router, at: .seconds(103.5))
        #expect(refusal?.code == .noEngine)
        #expect(refusal?.retryAfter == .seconds(4))
        #expect(refusal?.message.contains("its key is looked for") == true)
    }

    @Test("A node that nobody knows is the client's mistake, and it is told which there are")
    func unknownNode() {
        let refusal = Self.refusal(nil, pin: "nosuch", .sketch("desk"), .sketch("attic", reachability: .unknown))
        #expect(refusal?.code == .nodeNotFound)
        #expect(refusal?.message == "no node named 'nosuch' is known here; there is attic, desk")
        #expect(refusal?.field == "x-kith-node")
        let friend = Self.refusal(nil, pin: "friend", .sketch("desk"), .sketch("friend", tier: .kith))
        #expect(friend?.code == .nodeNotFound)
        #expect(Self.refusal(nil, pin: "attic", .sketch("attic", reachability: .unknown))?.code == .noEngine)
    }

    @Test("A model that the named node does not have is not found there, though another has it")
    func notThere() {
        let refusal = Self.refusal("m", pin: "desk", Self.without, .sketch("attic"))
        #expect(refusal?.code == .modelNotFound)
        #expect(refusal?.message == "model 'm' not found on desk")
    }
}
