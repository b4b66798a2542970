// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("What a client has been told of an answer")
struct DeliveredAnswerTests {
    private let broken = ChatError(.interrupted, "the engine broke")
    private let question = ChatRequest(
        messages: [ChatMessage(.user, "x")], sampling: SamplingOptions(maxTokens: 1_000))

    private func candidate(_ number: Int) -> Candidate {
        NodeSnapshot.sketch(NodeName("n\(number)") ?? "n", models: [ModelInfo(id: "m")]).candidate
    }

    private func raw(_ text: String, _ contents: RawEvents.Contents = []) -> ChatEvent {
        var escaped: [UInt8] = []
        JSONText.append(text, to: &escaped)
        let member = contents.contains(.refusal) ? "refusal" : "content"
        let event: JSONObject = [
            "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [["index": 0, "delta": .object([member: .string(text)]), "finish_reason": .null]],
        ]
        return .raw(
            RawEvents(
                bytes: Array("data: ".utf8) + event.jsonBytes + Array("\n\n".utf8), tokens: 1,
                escapedText: Array(escaped.dropFirst().dropLast()),
                contents: contents))
    }

    /// An answer in pieces of both forms that breaks at random: whoever goes on is told all that came before, and the client
    /// is told of each one that goes on, once and before its first piece.
    @Test("However often an answer breaks, who goes on knows all of it", arguments: 1...20 as ClosedRange<UInt64>)
    func interleavings(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var told = DeliveredAnswer(of: question, now: .zero)
            var text = ""
            var (giver, breaks, announced, tokens) = (0, 0, 0, 0)
            var isNew = false
            for step in 0..<60 {
                let now = MonotonicInstant.zero + .seconds(step)
                switch Int.random(in: 0..<10, using: &generator) {
                case 0 where breaks < DeliveredAnswer.continuationLimit:
                    breaks += 1
                    guard case .ask(let rest) = told.broke(broken, at: candidate(giver)) else {
                        Issue.record("nobody is asked")
                        return
                    }
                    #expect(rest.begun?.text ?? "" == text)
                    #expect(rest.begun?.tokens ?? 0 == tokens)
                    #expect(rest.sampling.maxTokens == 1_000 - tokens)
                    #expect(rest.isAsWritten == (tokens == 0))
                    giver += 1
                    isNew = true
                case 1: #expect(told.take(.waiting(.reading), from: candidate(giver), now: now) == nil)
                case let kind:
                    let piece = ["a", "\"", "\\n", "ü\n", "\u{2028}", "🙂"].randomElement(using: &generator) ?? ""
                    let event = kind < 5 ? raw(piece) : .delta(ChatDelta(text: piece))
                    let continuation = told.take(event, from: candidate(giver), now: now)
                    text += piece
                    tokens += 1
                    if let continuation {
                        announced += 1
                        #expect(isNew)
                        #expect(continuation.tokens == tokens - 1)
                        #expect(continuation.candidate == candidate(giver))
                    } else {
                        #expect(!isNew)
                    }
                    isNew = false
                }
            }
            #expect(announced <= breaks)
            var end = ChatEvent.finished(.stop, TokenUsage(promptTokens: 5 + tokens, completionTokens: 1))
            _ = told.take(&end, from: candidate(giver), now: .zero)
            #expect(end.isEnd)
        }
    }

    @Test("A refusal, a second choice, and a client that forbids it: nobody goes on, and it is said why")
    func obstacles() {
        let cases: [(RawEvents.Contents, Bool, String)] = [
            (.refusal, true, "the model was refusing"), (.otherChoice, true, "several answers were asked for"),
            ([], false, "going on elsewhere is switched off"),
        ]
        for (contents, mayContinue, words) in cases {
            var request = question
            request.mayContinue = mayContinue
            var told = DeliveredAnswer(of: request, now: .zero)
            _ = told.take(raw("a", contents), from: candidate(0), now: .zero)
            guard case .fail(let failure) = told.broke(broken, at: candidate(0)) else {
                Issue.record("somebody is asked")
                continue
            }
            #expect(failure.message == "the engine broke; \(words)")
        }
    }

    @Test("It is asked for the rest a bounded number of times")
    func bounded() {
        var told = DeliveredAnswer(of: question, now: .zero)
        for _ in 0..<DeliveredAnswer.continuationLimit {
            guard case .ask = told.broke(broken, at: candidate(0)) else {
                Issue.record("too few")
                return
            }
        }
        guard case .fail = told.broke(broken, at: candidate(0)) else {
            Issue.record("too many")
            return
        }
    }

    @Test("When only the end is missing nobody is asked")
    func onlyTheEnd() {
        var request = question
        request.sampling.maxTokens = 2
        var told = DeliveredAnswer(of: request, now: .zero)
        for piece in ["a", "b"] { _ = told.take(raw(piece), from: candidate(0), now: .zero) }
        guard case .finish(.length, let usage) = told.broke(broken, at: candidate(0)) else {
            Issue.record("somebody is asked")
            return
        }
        #expect(usage.completionTokens == 2)
    }
}

extension DeliveredAnswer {
    fileprivate mutating func take(
        _ event: ChatEvent, from candidate: Candidate, now: MonotonicInstant
    ) -> RouteRecord.Continuation? {
        var event = event
        return take(&event, from: candidate, now: now)
    }
}

extension NodeSnapshot {
    fileprivate var candidate: Candidate { Candidate(node: id, name: name, model: models.first?.id ?? "m") }
}
