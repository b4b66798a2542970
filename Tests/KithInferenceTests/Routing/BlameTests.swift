// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithInference

@Suite("Whose fault a failure is")
struct BlameTests {
    private static let candidate = Candidate(node: "a", model: "m")
    private static let nodes = [NodeSnapshot.sketch("a", slots: 2), .sketch("b", slots: 2, latency: .milliseconds(1))]

    /// What engines say when a request is at fault.
    private static let words = [
        "", "invalid temperature", "the prompt is too long", "invalid image url", "could not download the image",
        "image input is not supported - hint: you may need to provide the mmproj", "unsupported image format",
        "this model does not support embeddings", "\"m\" does not support tools", "blocked by our moderation policy",
        "you do not have permission to use this model", "unsupported_parameter: 'max_tokens'",
    ]

    /// Everything that a decision says.
    private struct Facts: Equatable {
        var candidates: [Candidate]
        var estimates: [WaitEstimate]
        var reasons: [RouteReason]
        var rooms: [Room?]
        var skipped: [RouteDecision.Skip]

        init(_ router: Router, needing features: Set<Feature> = [], at now: MonotonicInstant) {
            let decision = router.decide(
                RouteRequest(model: "m", prefix: BlameTests.prefix, features: features), among: BlameTests.nodes,
                now: now)
            candidates = decision.choices.map(\.candidate)
            estimates = decision.choices.map(\.estimate)
            reasons = decision.choices.map(\.reason)
            rooms = decision.choices.map(\.full)
            skipped = decision.skipped
        }
    }

    /// What all conversations begin with.
    private static let prefix = PrefixBlocks(
        ChatRequest(messages: [ChatMessage(.system, String(repeating: "Be brief. ", count: 200))]))

    /// Somebody was answered by the other node before.
    private static func router() -> Router {
        var router = Router(generator: SeededGenerator(seed: 1))
        let other = Candidate(node: "b", model: "m")
        router.began("before", at: other, for: RouteRequest(model: "m", prefix: prefix), now: .zero)
        router.succeeded("before", at: other, now: .seconds(1))
        return router
    }

    /// One request of a client fails.
    private static func fail(
        _ router: inout Router, _ failure: ChatError, needing features: Set<Feature> = [],
        at now: MonotonicInstant = .seconds(10)
    ) {
        let id = RequestID.random()
        let request = RouteRequest(model: "m", prefix: prefix, features: features)
        router.began(id, at: candidate, for: request, now: now)
        router.failed(id, at: candidate, with: failure, now: now)
    }

    private static func isTheRequests(_ failure: ChatError, _ features: Set<Feature>) -> Bool {
        switch Blame(failure, needs: features).subject {
        case .nobody, .request, .feature: true
        case .load, .pause, .key, .candidate: false
        }
    }

    @Test("What one client's request does wrong leaves the next client's route as it was")
    func nobodyElse() {
        var tried = 0
        for status in [400, 401, 403, 404, 405, 413, 415, 422, 500, 501] {
            for words in Self.words {
                for features in [[], [Feature.vision], [.embeddings], [.tools, .responseFormat]] as [Set<Feature>] {
                    let failure = EngineErrorResponse(
                        engine: "it", status: status, body: Array(#"{"error":"\#(words)"}"#.utf8), model: "m"
                    ).failure
                    guard status < 500 || Self.isTheRequests(failure, features) else { continue }
                    tried += 1
                    var router = Self.router()
                    let before = Facts(router, at: .seconds(10))
                    Self.fail(&router, failure, needing: features)
                    #expect(Facts(router, at: .seconds(10)) == before, "\(status) \(words) \(features)")
                }
            }
        }
        #expect(tried > 300)
    }

    @Test("No code of which the request is the cause touches others, however often it comes")
    func codes() {
        let codes: [ChatError.Code] = [
            .malformedRequest, .invalidRequest, .unsupported, .modelNotFound, .nodeNotFound, .cannotContinue,
            .unauthorized,
        ]
        for code in codes {
            for count in [1, 20] where code != .unauthorized || count == 1 {
                var router = Self.router()
                let before = Facts(router, at: .seconds(10))
                for _ in 0..<count { Self.fail(&router, ChatError(code, "no"), needing: [.tools]) }
                #expect(Facts(router, at: .seconds(10)) == before, "\(code) \(count) times")
            }
        }
    }

    @Test("A client that leaves, or gives up, holds nothing against anybody")
    func leaving() {
        for code in [ChatError.Code.cancelled, .deadlineExceeded] {
            var router = Self.router()
            for _ in 0..<20 { Self.fail(&router, ChatError(code, "no"), needing: [.tools]) }
            let decision = router.decide(RouteRequest(model: "m"), among: Self.nodes, now: .seconds(10))
            #expect(decision.choices.count == 2)
            #expect(decision.choices.map(\.estimate.penalty) == [.zero, .zero])
            #expect(decision.choices.map(\.full) == [nil, nil])
        }
    }

    @Test("Only what is well and truly the candidate's counts against it")
    func candidates() {
        for code in [ChatError.Code.unreachable, .timeout, .interrupted, .invalidAnswer, .engineError] {
            #expect(Blame(ChatError(code, "no")).subject == .candidate)
            #expect(Blame(ChatError(code, "no")).triesAnother)
        }
        for code in [ChatError.Code.malformedRequest, .invalidRequest, .nodeNotFound, .cancelled, .deadlineExceeded] {
            #expect(!Blame(ChatError(code, "no")).triesAnother)
        }
        #expect(Blame(ChatError(.modelNotFound, "no")).asksCatalogue)
    }

    @Test("What a candidate lacks is remembered for those who need it, for ten minutes or until it can")
    func lacks() {
        var router = Self.router()
        let failure = ChatError(.unsupported, "this model does not support images", field: "messages")
        Self.fail(&router, failure, needing: [.vision])
        let picture = RouteRequest(model: "m", features: [.vision])
        let decision = router.decide(picture, among: Self.nodes, now: .seconds(11))
        #expect(decision.choices.map(\.candidate.node) == ["b"])
        #expect(decision.skipped == [.init(node: "a", reason: .lacks(.vision))])
        #expect(router.decide(picture, among: Self.nodes, now: .seconds(611)).choices.count == 2)

        router.began("good", at: Self.candidate, for: picture, now: .seconds(12))
        router.succeeded("good", at: Self.candidate, now: .seconds(13))
        #expect(router.decide(picture, among: Self.nodes, now: .seconds(14)).choices.count == 2)
    }

    @Test("When nobody has what is needed the client is told in words, and it is tried once a while")
    func nobodyHas() {
        var router = Self.router()
        let picture = RouteRequest(model: "m", features: [.vision])
        Self.fail(&router, ChatError(.unsupported, "image input is not supported"), needing: [.vision])
        let alone = [NodeSnapshot.sketch("a")]
        let decision = router.decide(picture, among: alone, now: .seconds(11))
        #expect(decision.choices.isEmpty)
        let refusal = decision.refusal(of: picture, now: .seconds(11))
        #expect(refusal.code == .unsupported)
        #expect(refusal.message == "no engine that has the model offers pictures")
        #expect(refusal.retryAfter == nil)
        #expect(router.decide(picture, among: alone, now: .seconds(41)).choices.count == 1)
    }

    @Test("An engine that says that its model does not see is asked for no picture, and who sees is named")
    func told() {
        let picture = RouteRequest(features: [.vision])
        let blind = NodeSnapshot.sketch("blind", models: [.sketch("m", capabilities: ["completion"])])
        let seeing = NodeSnapshot.sketch(
            "seeing", models: [.sketch("n", capabilities: ["completion", "vision"])], outstanding: 9)
        let router = Self.router()
        let both = router.decide(picture, among: [blind, seeing], now: .zero)
        #expect(both.choices.map(\.candidate.node) == ["seeing"])
        #expect(both.skipped == [.init(node: "blind", reason: .lacks(.vision))])
        // Older versions of Ollama leave the picture out without a word.
        let alone = router.decide(picture, among: [blind], now: .zero)
        #expect(alone.choices.isEmpty)
        #expect(alone.refusal(of: picture, now: .zero).message == "no engine offers pictures")
        let named = RouteRequest(model: "m", features: [.vision])
        let refusal = router.decide(named, among: [blind, seeing], now: .zero).refusal(of: named, now: .zero)
        #expect(refusal.message == "no engine that has the model offers pictures; with them there is n on seeing")
        var limited = named
        limited.allowedModels = ["m"]
        let other = router.decide(limited, among: [blind, seeing], now: .zero).refusal(of: limited, now: .zero)
        #expect(
            other.message == "no engine that has the model offers pictures", "what the key may not ask for is no help")
        let tools = RouteRequest(features: [.tools])
        #expect(router.decide(tools, among: [blind], now: .zero).choices.map(\.candidate.node) == ["blind"])
    }

    @Test("One refused key holds nobody back; more do, ever longer, until one is taken")
    func keys() {
        var router = Self.router()
        let refused = ChatError(.unauthorized, "it refuses the key it was given")
        let alone = [NodeSnapshot.sketch("a")]
        func isHeld(at now: Double) -> Bool {
            router.decide(RouteRequest(model: "m"), among: alone, now: .seconds(now)).choices.isEmpty
        }
        Self.fail(&router, refused, at: .seconds(10))
        #expect(!isHeld(at: 10))
        Self.fail(&router, refused, at: .seconds(11))
        #expect(isHeld(at: 11.9))
        let decision = router.decide(RouteRequest(model: "m"), among: alone, now: .seconds(11.4))
        #expect(decision.refusal(of: RouteRequest(model: "m"), now: .seconds(11.4)).retryAfter == .seconds(1))
        #expect(!isHeld(at: 12.1))
        var now = 13.0
        for _ in 0..<10 {
            Self.fail(&router, refused, at: .seconds(now))
            now += 100
        }
        #expect(isHeld(at: now - 100 + 59))
        #expect(!isHeld(at: now - 100 + 61))
        router.began("good", at: Self.candidate, now: .seconds(now))
        router.succeeded("good", at: Self.candidate, now: .seconds(now))
        Self.fail(&router, refused, at: .seconds(now + 1))
        #expect(!isHeld(at: now + 1))
    }

    @Test("Requests that are refused together are one refusal")
    func refusedTogether() {
        var router = Self.router()
        for number in 0..<16 { router.began(RequestID(rawValue: "\(number)"), at: Self.candidate, now: .seconds(1)) }
        for number in 0..<16 {
            router.failed(
                RequestID(rawValue: "\(number)"), at: Self.candidate, with: ChatError(.unauthorized, "no"),
                now: .seconds(2))
        }
        #expect(router.decide(RouteRequest(), among: [.sketch("a")], now: .seconds(2)).choices.count == 1)
    }

    @Test("An engine that gives one answer, or no log probabilities, is known to, though it names the field")
    func allOrNothing() {
        func subject(_ field: String, _ needs: Set<Feature>) -> Blame.Subject {
            Blame(ChatError(.unsupported, "one at a time", field: field), needs: needs).subject
        }
        #expect(subject("n", [.multipleChoices, .tools]) == .feature(.multipleChoices))
        #expect(subject("logprobs", [.logprobs]) == .feature(.logprobs))
        #expect(subject("n", [.tools]) == .request)
        #expect(subject("response_format", [.responseFormat]) == .request)
    }

    @Test("A request shows what it makes use of")
    func features() {
        func needs(_ request: ChatRequest) -> Set<Feature> { RouteRequest(request).features }
        #expect(needs(ChatRequest(messages: [ChatMessage(.user, "hi")])).isEmpty)
        #expect(needs(ChatRequest(kind: .completion, messages: [ChatMessage(.user, "hi")])) == [.completion])
        let parts: [JSONValue] = [
            ["type": "text", "text": "what is it"], ["type": "image_url", "image_url": ["url": "x"]],
            ["type": "input_audio"],
        ]
        #expect(needs(ChatRequest(messages: [ChatMessage(role: .user, content: .parts(parts))])) == [.vision, .audio])
        var request = ChatRequest(messages: [])
        request.extensions["tools"] = [["type": "function"]]
        request.sampling.choices = 2
        request.extensions["logprobs"] = true
        request.extensions["response_format"] = ["type": "json_object"]
        #expect(needs(request) == [.tools, .multipleChoices, .logprobs, .responseFormat])
        request.extensions["tools"] = []
        request.sampling.choices = 1
        request.extensions["logprobs"] = false
        request.extensions["response_format"] = ["type": "text"]
        #expect(needs(request).isEmpty)
        #expect(RouteRequest(EmbeddingRequest(inputs: ["x"])).features == [.embeddings])
    }
}
