// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("Aliases")
struct ModelAliasTests {
    private static func router(_ defined: [ModelID: [ModelID]] = [:]) -> Router {
        Router(aliases: ModelAliases(defined), generator: SeededGenerator(seed: 1))
    }

    /// Tells the router how fast a candidate is, often enough to be believed.
    private static func measure(_ router: inout Router, _ candidate: Candidate, tokensPerSecond: Double) {
        for number in 0..<50 {
            let id = RequestID(rawValue: "\(number)")
            router.began(id, at: candidate, now: .zero)
            router.succeeded(
                id, at: candidate,
                cost: EngineCost(engineTime: .seconds(108 / tokensPerSecond), promptTokens: 0, answerTokens: 100),
                now: .seconds(60))
        }
    }

    private static func choices(_ router: Router, _ model: ModelID, _ nodes: NodeSnapshot...) -> [Candidate] {
        router.decide(RouteRequest(model: model), among: nodes, now: .seconds(60)).choices.map(\.candidate)
    }

    @Test("An alias takes the soonest of its models, on all nodes and several on one")
    func anyOf() {
        let router = Self.router(["small": ["a", "b", "absent"]])
        let choices = Self.choices(
            router, "small", .sketch("x", models: [.sketch("a"), .sketch("b")], outstanding: 2),
            .sketch("y", models: [.sketch("c"), .sketch("b")]), .sketch("z", models: [.sketch("c")]))
        #expect(choices.first == Candidate(node: "y", model: "b"))
        #expect(
            Set(choices) == [
                Candidate(node: "x", model: "a"), Candidate(node: "x", model: "b"), Candidate(node: "y", model: "b"),
            ])
    }

    @Test("A node whose models are none of the alias's is skipped for that")
    func absent() {
        let decision = Self.router(["small": ["a"]]).decide(
            RouteRequest(model: "small"), among: [.sketch("z", models: [.sketch("c")])], now: .zero)
        #expect(decision.skipped == [.init(node: "z", reason: .modelAbsent)])
        #expect(decision.isAlias)
    }

    @Test("A model of the very name goes before the alias")
    func realModel() {
        let router = Self.router(["small": ["a"]])
        let nodes = [
            NodeSnapshot.sketch("x", models: [.sketch("a")]), .sketch("y", models: [.sketch("small:latest")]),
        ]
        let decision = router.decide(RouteRequest(model: "small"), among: nodes, now: .zero)
        #expect(decision.choices.map(\.candidate) == [Candidate(node: "y", model: "small:latest")])
    }

    @Test("fast takes what has proved fastest, on whichever node")
    func fastest() {
        var router = Self.router()
        Self.measure(&router, Candidate(node: "x", model: "large"), tokensPerSecond: 20)
        Self.measure(&router, Candidate(node: "x", model: "tiny"), tokensPerSecond: 400)
        Self.measure(&router, Candidate(node: "y", model: "middle"), tokensPerSecond: 150)
        let choices = Self.choices(
            router, "fast", .sketch("x", models: [.sketch("large"), .sketch("tiny"), .sketch("never asked")]),
            .sketch("y", models: [.sketch("middle")]))
        #expect(choices.map(\.model) == ["tiny", "middle", "large"])
    }

    @Test("For fast a model that nobody has measured is not taken for the fastest")
    func unknownIsNotFast() {
        var router = Self.router()
        Self.measure(&router, Candidate(node: "x", model: "tiny"), tokensPerSecond: 400)
        let choices = Self.choices(
            router, "fast", .sketch("new", models: [.sketch("unknown")]), .sketch("x", models: [.sketch("tiny")]))
        #expect(choices.map(\.node) == ["x", "new"])
    }

    @Test(
        "code takes a model whose name says that it is for programming",
        arguments: ["qwen2.5-coder:7b", "DeepSeek-Coder-V2", "codestral:22b", "starcoder2", "devstral", "CodeLlama"])
    func code(model: String) {
        let choices = Self.choices(
            Self.router(), "code", .sketch("x", models: [.sketch("llama3.2"), .sketch(ModelID(model))]),
            .sketch("y", models: [.sketch("qwen3")]))
        #expect(choices == [Candidate(node: "x", model: ModelID(model))])
    }

    @Test("code takes any model where nobody has one for programming, or only one that is down")
    func noCode() {
        let choices = Self.choices(
            Self.router(), "code", .sketch("x", models: [.sketch("llama3.2"), .sketch("qwen3")]),
            .sketch("y", reachability: .down("refused"), models: [.sketch("codestral")]))
        #expect(choices == [Candidate(node: "x", model: "llama3.2")])
    }

    @Test("A definition of one's own goes before the meaning of fast and code")
    func overridden() {
        let choices = Self.choices(
            Self.router(["code": ["b"]]), "code", .sketch("x", models: [.sketch("coder"), .sketch("b")]))
        #expect(choices == [Candidate(node: "x", model: "b")])
    }

    @Test("auto comes first among the names, and what is beyond the limits is left out")
    func names() {
        #expect(ModelAliases(["small": ["a"], "fast": ["b"]]).names == ["auto", "code", "fast", "small"])
        let many = Dictionary(uniqueKeysWithValues: (0..<200).map { (ModelID("n\($0)"), [ModelID("m")]) })
        #expect(ModelAliases(many).names.count == ModelAliases.countLimit + 3)
        let long = ModelAliases(["x": (0..<100).map { ModelID("m\($0)") }])
        #expect(long.meaning(of: "x") == .anyOf((0..<ModelAliases.memberLimit).map { ModelID("m\($0)") }))
    }

    @Test("A name that is neither a model nor an alias is known to be unknown")
    func unknown() {
        let decision = Self.router().decide(RouteRequest(model: "nothing"), among: [.sketch("x")], now: .zero)
        #expect(decision.choices.isEmpty)
        #expect(!decision.isAlias)
        #expect(decision.knownModels == ["m"])
    }

    @Test("The same model under another name answers too, and only for a name that somebody has")
    func sameDigest() {
        let digest = "365c0bd3c000a25d28ddbf732fe1c6add414de7275464c4e4d1c3b5fcb5d8ad1"
        let desk = NodeSnapshot.sketch("desk", models: [.sketch("llama3.2:latest", digest: digest)], outstanding: 9)
        let laptop = NodeSnapshot.sketch(
            "laptop", models: [.sketch("other"), .sketch("mine:3b", digest: digest), .sketch("third", digest: "short")])
        func chosen(_ name: ModelID, _ nodes: NodeSnapshot...) -> [Candidate] {
            Router().decide(RouteRequest(model: name), among: nodes, now: .zero).choices.map(\.candidate)
        }
        #expect(
            chosen("llama3.2", desk, laptop) == [
                Candidate(node: "laptop", model: "mine:3b"), Candidate(node: "desk", model: "llama3.2:latest"),
            ])
        #expect(chosen("llama3.2", laptop).isEmpty)
        var stranger = desk
        stranger.tier = .kith
        #expect(chosen("llama3.2", stranger, laptop).isEmpty)
    }
}
