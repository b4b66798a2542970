// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("Answers that break off are gone on with", .timeLimit(.minutes(1)))
struct ContinuationTests {
    private let broken = ChatError(.interrupted, "the engine broke")
    private let question = ChatRequest(model: "m", messages: [ChatMessage(.user, "say something")])

    private func ask(
        _ request: ChatRequest, _ engines: KeyValuePairs<NodeName, any ChatEngine>, continues: Bool = true
    ) async throws -> (heard: HeardAnswer, journal: [RouteRecord]) {
        let dispatcher = Dispatcher(
            mesh: try await EngineMesh(engines), clock: MonotonicClock(), continues: continues)
        let routed = try await dispatcher.dispatch(request)
        return (try await HeardAnswer(routed), dispatcher.journal.recent())
    }

    @Test(
        "However often it breaks, a counted answer is the undisturbed one, with its usage",
        arguments: [1, 2, 3] as [UInt64], [ContinuationWay.prefill(.init()), .anew])
    func countedAnswers(seed: UInt64, way: ContinuationWay) async throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for round in 0..<100 {
            let kind: ChatRequest.Kind = round.isMultiple(of: 2) ? .chat : .completion
            let tokens = Int.random(in: 1...120, using: &generator)
            // Asked anew, an engine must get at least as far as the one before it.
            let longest = way == .anew ? 1_000 : Int.random(in: 20...60, using: &generator)
            let question = ChatRequest(
                kind: kind, messages: [ChatMessage(.user, kind == .chat ? "count" : "3 4 5")],
                sampling: SamplingOptions(maxTokens: tokens))
            let undisturbed = try await ask(question, ["sound": CountEngine()]).heard
            let heard = try await ask(
                question,
                [
                    "first": BreakingCountEngine(seed: generator.next(), longest: 60, way: way),
                    "second": BreakingCountEngine(seed: generator.next(), longest: longest, way: way),
                    "sound": CountEngine(),
                ]
            ).heard
            #expect(heard.text == undisturbed.text)
            #expect(heard.usage?.completionTokens == undisturbed.usage?.completionTokens)
            // Where only the end was missing nobody was asked again, and the prompt's length is the node's estimate.
            let prompt = heard.usage?.promptTokens
            #expect(
                prompt == undisturbed.usage?.promptTokens
                    || prompt == question.estimatedPromptTokens && heard.usage?.completionTokens == tokens)
            #expect(heard.finish == undisturbed.finish)
        }
    }

    @Test("The client and the journal are told who went on, after how many tokens and why")
    func told() async throws {
        let (heard, journal) = try await ask(
            question,
            [
                "first": ScriptedEngine(events: [.text("one "), .text("two ")], failure: broken),
                "second": ScriptedEngine(events: [.text("three"), .end()], way: .prefill(.init())),
            ])
        #expect(heard.text == "one two three")
        #expect(heard.continuations.map(\.candidate.node) == ["second"])
        #expect(heard.continuations.map(\.tokens) == [2])
        #expect(heard.continuations.map(\.failure) == [.interrupted])
        #expect(journal.first?.outcome == .completed)
        #expect(journal.first?.continuations.count == 1)
        #expect(journal.first?.route.candidate?.node == "first")
    }

    @Test("An engine that cannot go on is asked anew, and only what is new is passed on")
    func anew() async throws {
        let (heard, _) = try await ask(
            question,
            [
                "first": ScriptedEngine(events: [.text("one "), .text("tw")], failure: broken),
                "second": ScriptedEngine(events: [.text("on"), .text("e two th"), .text("ree"), .end(1, 3)]),
            ])
        #expect(heard.text == "one two three")
        #expect(heard.finish == .stop)
    }

    @Test("An engine that says otherwise when asked anew is not passed on; the next one is asked")
    func anotherAnswer() async throws {
        let (heard, _) = try await ask(
            question,
            [
                "first": ScriptedEngine(events: [.text("one ")], failure: broken),
                "second": ScriptedEngine(events: [.text("eins zwei"), .end()]),
                "third": ScriptedEngine(events: [.text("two"), .end()], way: .prefill(.init())),
            ])
        #expect(heard.text == "one two")
        #expect(heard.continuations.map(\.candidate.node) == ["third"])
    }

    @Test("An engine whose model refuses to have its answer begun is asked anew")
    func refusedPrefill() async throws {
        let (heard, _) = try await ask(
            question,
            [
                "first": ScriptedEngine(events: [.text("one ")], failure: broken),
                "second": ScriptedEngine(
                    events: [.text("one two"), .end()], way: .prefill(.init()), refusesPrefill: true),
            ])
        #expect(heard.text == "one two")
    }

    @Test("When nobody can go on the answer ends with what broke it, never with a finish")
    func nobody() async throws {
        let (heard, journal) = try await ask(
            question,
            [
                "first": ScriptedEngine(events: [.text("one ")], failure: broken),
                "second": ScriptedEngine(events: [.text("eins"), .end()]),
            ])
        #expect(heard.text == "one ")
        #expect(heard.finish == nil)
        #expect(heard.failure?.code == .interrupted)
        #expect(heard.failure?.message.contains("nobody could go on") == true)
        #expect(journal.first?.outcome == .failed(.interrupted))
    }

    @Test("A half-written tool call is made by the next engine in its own way, since the client has seen nothing of it")
    func halfACall() async throws {
        func call(_ index: Int, _ name: String, _ arguments: String) -> ChatEvent {
            .delta(
                ChatDelta(toolCalls: [
                    [
                        "index": .integer(Int64(index)),
                        "function": ["name": .string(name), "arguments": .string(arguments)],
                    ]
                ]))
        }
        let (heard, _) = try await ask(
            question,
            [
                "first": ScriptedEngine(
                    events: [.text("I read. "), call(0, "read", "{}"), call(1, "wri", "")], failure: broken),
                "second": ScriptedEngine(
                    events: [call(0, "list", #"{"all""#), call(0, "", ": 1}"), .end()], way: .prefill(.init())),
            ])
        #expect(heard.text == "I read. ")
        #expect(heard.calls == #"list {"all" : 1}"#)
        #expect(heard.finish == .stop)
        #expect(heard.continuations.map(\.tokens) == [1])
    }

    @Test(
        "Where there is nobody else a call is told as it comes, and the same engine may only go on with the same call")
    func nobodyElse() async throws {
        let call = ChatEvent.delta(ChatDelta(toolCalls: [["index": 0, "function": ["name": "f", "arguments": "{"]]]))
        let (heard, _) = try await ask(question, ["first": ScriptedEngine(events: [call], failure: broken)])
        #expect(heard.calls == "f {")
        #expect(heard.failure?.code == .interrupted)
        #expect(heard.finish == nil)
    }

    @Test("An engine whose node drains is left at once, for one that can go on, and never for one that cannot")
    func draining() async throws {
        let cases: [(ScriptedEngine, String, [NodeID])] = [
            (ScriptedEngine(events: [.text(" three"), .end()], way: .prefill(.init())), "one two three", ["second"]),
            (ScriptedEngine(events: [.text("eins"), .end()]), "one two", []),
        ]
        for (second, text, others) in cases {
            let mesh = try await EngineMesh([
                "first": ScriptedEngine(events: [.text("one "), .text("two"), .end()]), "second": second,
            ])
            let dispatcher = Dispatcher(mesh: mesh, clock: MonotonicClock())
            let routed = try await dispatcher.dispatch(question)
            mesh.drain("first")
            let heard = try await HeardAnswer(routed)
            #expect(heard.text == text)
            #expect(heard.finish == .stop)
            #expect(heard.failure == nil)
            #expect(heard.continuations.map(\.candidate.node) == others)
        }
    }

    @Test("An answer is not gone on with where the client or the owner forbids it")
    func forbidden() async throws {
        let sound = ScriptedEngine(events: [.text("two"), .end()], way: .prefill(.init()))
        let first = ScriptedEngine(events: [.text("one ")], failure: broken)
        var unwilling = question
        unwilling.mayContinue = false
        let switchedOff = "the engine broke; going on elsewhere is switched off"
        #expect(try await ask(unwilling, ["first": first, "second": sound]).heard.failure?.message == switchedOff)
        let off = try await ask(question, ["first": first, "second": sound], continues: false)
        #expect(off.heard.failure?.message == switchedOff)
    }

    @Test("A request that is at fault is nobody's to go on with")
    func hopeless() async throws {
        let tooLong = ChatError(.invalidRequest, "the context is full")
        let (heard, _) = try await ask(
            question,
            [
                "first": ScriptedEngine(events: [.text("one ")], failure: tooLong),
                "second": ScriptedEngine(events: [.text("two"), .end()], way: .prefill(.init())),
            ])
        #expect(heard.failure?.message == "the context is full")
    }

    @Test("A stream that ends without an end is broken off")
    func silentEnd() async throws {
        let (heard, _) = try await ask(
            question,
            [
                "first": ScriptedEngine(events: [.text("one ")]),
                "second": ScriptedEngine(events: [.text("two"), .end()], way: .prefill(.init())),
            ])
        #expect(heard.text == "one two")
    }

    @Test("Only the end is missing: it is told without asking anybody")
    func onlyTheEnd() async throws {
        var limited = question
        limited.sampling.maxTokens = 2
        let (heard, journal) = try await ask(
            limited, ["first": ScriptedEngine(events: [.text("one "), .text("two")], failure: broken)])
        #expect(heard.finish == .length)
        #expect(heard.usage?.completionTokens == 2)
        #expect(journal.first?.outcome == .completed)
    }

    @Test("Thoughts that were given are not given again")
    func reasoning() async throws {
        let thought = ChatEvent.delta(ChatDelta(reasoning: "hm"))
        let (heard, _) = try await ask(
            question,
            [
                "first": ScriptedEngine(events: [thought], failure: broken),
                "second": ScriptedEngine(events: [thought, .text("yes"), .end()], way: .prefill(.init())),
            ])
        #expect(heard.reasoning == "hm")
        #expect(heard.text == "yes")
    }

    @Test("With nobody else the same node is asked once more, and not for ever")
    func sameNode() async throws {
        let (heard, journal) = try await ask(
            question,
            ["only": ScriptedEngine(events: [.text("a")], failure: broken, way: .prefill(.init()))])
        #expect(heard.text == "aa")
        #expect(heard.failure?.code == .interrupted)
        #expect(journal.first?.continuations.count == 1)
    }

    @Test("A client that goes in the middle is noted as gone")
    func abandoned() async throws {
        let dispatcher = Dispatcher(
            mesh: try await EngineMesh(["first": ScriptedEngine(events: [.text("one "), .end()])]),
            clock: MonotonicClock())
        do {
            let routed = try await dispatcher.dispatch(question)
            guard case .stream(let stream) = routed.body else { return }
            _ = try await stream.next()
        }
        #expect(dispatcher.journal.recent().first?.outcome == .abandoned)
    }
}
