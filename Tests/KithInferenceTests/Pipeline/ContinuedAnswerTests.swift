// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithDialects
@testable import KithInference

/// Engines that always say the same, in pieces that are cut otherwise each time, break anywhere; each is followed by
/// another that is asked anew.
@Suite("An answer with thoughts, text and tool calls that breaks anywhere")
struct ContinuedAnswerTests {
    private static let usage = TokenUsage(promptTokens: 7, completionTokens: 10_000)
    private let broken = ChatError(.interrupted, "the engine broke")
    private let request = ChatRequest(messages: [ChatMessage(.user, "x")])

    private func candidate(_ number: Int) -> Candidate {
        Candidate(node: NodeID(of: NodeName("n\(number)") ?? "n"), name: "n", model: "m")
    }

    @Test(
        "Whether calls are kept back or told as they come, the client gets each piece of it once",
        arguments: 1...10 as ClosedRange<UInt64>, [true, false])
    func whole(seed: UInt64, holds: Bool) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let script = Script(using: &generator)
            var told = DeliveredAnswer(of: request, now: .zero)
            var client = Client()
            var check = BeginningCheck.none
            var isRaw = Bool.random(using: &generator)
            var number = 0
            while client.finish == nil {
                let events = script.events(isRaw: isRaw, using: &generator)
                let place =
                    number < DeliveredAnswer.continuationLimit
                    ? Int.random(in: 0...events.count, using: &generator) : nil
                for event in events.prefix(place ?? events.count) {
                    client.hear(try check.take(event), &told, holds: holds, from: candidate(number))
                }
                guard client.finish == nil else { break }
                guard case .ask(let rest) = told.broke(broken, at: candidate(number)) else {
                    Issue.record("nobody is asked")
                    return
                }
                if client.hasHeard { #expect(!rest.isAsWritten) }
                if holds { #expect(rest.begun?.calls == nil) }
                isRaw = rest.isAsWritten && isRaw
                check = rest.begun.map { .all(AnswerCheck($0), of: $0) } ?? .none
                number += 1
            }
            let answer = client.answer
            #expect(answer.reasoning ?? "" == script.reasoning)
            #expect(answer.text == script.text)
            #expect(answer.calls == script.calls)
            #expect(client.finish == .toolCalls)
            #expect(client.usage?.completionTokens == Self.usage.completionTokens)
            // Each call is opened once.
            #expect(client.ids.count == script.calls.count)
        }
    }

    @Test("An engine that calls otherwise cannot take the place of one whose call the client has begun to get")
    func otherCalls() throws {
        let begun = PartialAnswer(
            text: "", tokens: 2, calls: [PartialCall(name: "read", arguments: #"{"path": "a"#)])
        let same = piece(0, name: "read", #"{"path": "a.txt"}"#)
        for (other, isSame) in [
            (same, true), (piece(0, name: "write", ""), false), (piece(0, name: "read", #"{"file"#), false),
        ] {
            var check = BeginningCheck.all(AnswerCheck(begun), of: begun)
            let told = try? check.take(.delta(ChatDelta(toolCalls: [other])))
            #expect((told != nil) == isSame)
            if isSame {
                let rest: JSONValue = [["index": 0, "function": ["arguments": ".txt\"}"]]]
                #expect(told == .delta(ChatDelta(toolCalls: rest)))
            }
        }
        var silent = BeginningCheck.all(AnswerCheck(begun), of: begun)
        #expect(throws: ChatError.self) { try silent.take(.finished(.stop, Self.usage)) }
    }

    @Test("A call goes on under the index that the client knows, and those that follow it get others")
    func indexes() throws {
        let begun = PartialAnswer(text: "", tokens: 2, calls: [PartialCall(index: 1, name: "read", arguments: "{")])
        var check = BeginningCheck.all(AnswerCheck(begun), of: begun)
        let told = try check.take(
            .delta(ChatDelta(toolCalls: [piece(0, name: "read", "{}"), piece(1, name: "write", "{}")])))
        guard case .delta(let delta) = told, let calls = delta.toolCalls?.arrayValue else {
            Issue.record("nothing is told")
            return
        }
        #expect(calls.first == ["index": 1, "function": ["arguments": "}"]])
        #expect(calls.last?["index"] == 2)
        #expect(calls.last?["function"]?["name"] == "write")
    }

    @Test("A refusal is told, and is no continuation of an answer that did not refuse")
    func refusal() throws {
        let thought = PartialAnswer(text: "", tokens: 1, reasoning: "hm")
        var check = BeginningCheck.all(AnswerCheck(thought), of: thought)
        let refusal = ChatEvent.delta(ChatDelta(refusal: "I will not."))
        #expect(try check.take(refusal) == refusal)
        let begun = PartialAnswer(text: "Well", tokens: 1)
        var other = BeginningCheck.all(AnswerCheck(begun), of: begun)
        #expect(throws: ChatError.self) { try other.take(refusal) }
    }

    @Test("A call that takes too long is told as it comes")
    func slow() {
        var told = DeliveredAnswer(of: request, now: .zero)
        let call = ChatEvent.delta(ChatDelta(toolCalls: [piece(0, name: "f", "x")]))
        guard case .held = told.admit(call, now: .seconds(1), mayHold: true),
            case .released(let events) = told.admit(
                call, now: .seconds(2) + DeliveredAnswer.heldTime, mayHold: true)
        else {
            Issue.record("it is not kept back, or for too long")
            return
        }
        #expect(events == [call, call])
    }

    @Test("Other thoughts are no other answer: they are kept back, and what follows them is not")
    func otherThoughts() throws {
        let begun = PartialAnswer(text: "", tokens: 1, reasoning: "first I")
        var check = BeginningCheck.all(AnswerCheck(begun), of: begun)
        #expect(try check.take(.delta(ChatDelta(reasoning: "Let me"))) == .waiting(.reading))
        #expect(try check.take(.delta(ChatDelta(reasoning: " see"))) == .waiting(.reading))
        #expect(try check.take(.text("yes")) == .text("yes"))
    }

    @Test("What is kept back is bounded: a call that is too long is told as it comes")
    func bounded() {
        var told = DeliveredAnswer(of: request, now: .zero)
        let long = ChatEvent.delta(
            ChatDelta(toolCalls: [piece(0, name: "f", String(repeating: "x", count: DeliveredAnswer.heldLimit / 2))]))
        var released = 0
        for _ in 0..<3 {
            switch told.admit(long, now: .zero, mayHold: true) {
            case .held: break
            case .told: released += 1
            case .released(let events):
                for var event in events {
                    _ = told.take(&event, from: candidate(0), now: .zero)
                    released += 1
                }
            }
        }
        #expect(released == 3)
    }

    @Test("Only tools that must be called hold an answer to a grammar from its first token")
    func constrained() {
        let tools: JSONValue = [["type": "function", "function": ["name": "f"]]]
        let cases: [(JSONObject, Bool)] = [
            (["tools": tools], false), (["tools": tools, "tool_choice": "auto"], false),
            (["tools": tools, "tool_choice": "none"], false), (["tools": tools, "tool_choice": "required"], true),
            (["tools": tools, "tool_choice": ["type": "function", "function": ["name": "f"]]], true),
            (["response_format": ["type": "json_object"]], true), (["response_format": ["type": "text"]], false),
        ]
        for (extensions, isConstrained) in cases {
            var request = request
            request.extensions = extensions
            #expect(request.isConstrained == isConstrained, "\(extensions)")
        }
    }

    private func piece(_ index: Int, name: String, _ arguments: String) -> JSONValue {
        [
            "index": .integer(Int64(index)), "id": "c", "type": "function",
            "function": ["name": .string(name), "arguments": .string(arguments)],
        ]
    }
}

/// What an engine always answers.
private struct Script {
    var reasoning: String
    var text: String
    var calls: [PartialCall]

    init(using generator: inout SeededGenerator) {
        reasoning = Self.words(0...4, using: &generator)
        text = Self.words(0...4, using: &generator)
        calls = (0..<Int.random(in: 1...3, using: &generator)).map { place in
            PartialCall(name: "f\(place)", arguments: Self.words(0...6, using: &generator))
        }
    }

    private static func words(_ count: ClosedRange<Int>, using generator: inout SeededGenerator) -> String {
        (0..<Int.random(in: count, using: &generator))
            .map { _ in ["a", "\\\"b\"", "ü\n", "🙂🙂", "{\"c\": 1}"].randomElement(using: &generator) ?? "" }.joined()
    }

    func events(isRaw: Bool, using generator: inout SeededGenerator) -> [ChatEvent] {
        var deltas = Self.cut(reasoning, using: &generator).map { ChatDelta(reasoning: $0) }
        deltas += Self.cut(text, using: &generator).map { ChatDelta(text: $0) }
        for (place, call) in calls.enumerated() {
            func piece(_ members: JSONObject) -> ChatDelta {
                var members = members
                members["index"] = .integer(Int64(place))
                return ChatDelta(toolCalls: .array([.object(members)]))
            }
            let id = JSONValue.string("call_\(UInt32.random(in: 0 ... .max, using: &generator))")
            deltas.append(
                piece(["id": id, "type": "function", "function": ["name": .string(call.name), "arguments": ""]]))
            deltas += Self.cut(call.arguments, using: &generator).map {
                piece(["function": ["arguments": .string($0)]])
            }
        }
        let usage = TokenUsage(promptTokens: 7, completionTokens: 10_000)
        guard isRaw else { return deltas.map { .delta($0) } + [.finished(.toolCalls, usage)] }
        return [.raw(RawEvents(bytes: Self.bytes(of: ["role": "assistant"])))] + deltas.map { .raw(Self.raw($0)) }
            + [.rawEnd(.toolCalls, usage)]
    }

    private static func cut(_ text: String, using generator: inout SeededGenerator) -> [String] {
        var pieces: [String] = []
        var rest = Array(text.unicodeScalars)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...5, using: &generator))
            rest = rest.dropFirst(piece.count)
            pieces.append(String(String.UnicodeScalarView(piece)))
        }
        return pieces
    }

    private static func raw(_ delta: ChatDelta) -> RawEvents {
        var members: JSONObject = [:]
        var contents = RawEvents.Contents.none
        if !delta.text.isEmpty { members["content"] = .string(delta.text) }
        if let reasoning = delta.reasoning {
            members["reasoning_content"] = .string(reasoning)
            contents.insert(.reasoning)
        }
        if let calls = delta.toolCalls {
            members["tool_calls"] = calls
            contents.insert(.toolCall)
        }
        var escaped: [UInt8] = []
        JSONText.append(delta.text, to: &escaped)
        return RawEvents(
            bytes: bytes(of: members), tokens: 1, escapedText: Array(escaped.dropFirst().dropLast()),
            contents: contents)
    }

    private static func bytes(of delta: JSONObject) -> [UInt8] {
        let event: JSONObject = [
            "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [["index": 0, "delta": .object(delta), "finish_reason": .null]],
        ]
        return Array("data: ".utf8) + event.jsonBytes + Array("\n\n".utf8)
    }
}

/// A client that puts together what it hears.
private struct Client {
    private var joiner = DeltaJoiner(limit: 1 << 20)
    private(set) var finish: FinishReason?
    private(set) var usage: TokenUsage?
    private(set) var ids: [String] = []
    private(set) var hasHeard = false

    mutating func hear(_ event: ChatEvent, _ told: inout DeliveredAnswer, holds: Bool, from candidate: Candidate) {
        let events: [ChatEvent]
        switch told.admit(event, now: .zero, mayHold: holds) {
        case .told: events = [event]
        case .held: return
        case .released(let held): events = held
        }
        for var event in events {
            _ = told.take(&event, from: candidate, now: .zero)
            hear(event)
        }
    }

    private mutating func hear(_ event: ChatEvent) {
        switch event {
        case .waiting, .comment: return
        case .delta(let delta): add(delta)
        case .raw(let raw): for delta in OpenAIEventReader.deltas(in: raw.bytes, kind: .chat) { add(delta) }
        case .finished(let finish, let usage): (self.finish, self.usage) = (finish, usage)
        case .rawEnd(let finish, let usage): (self.finish, self.usage) = (finish, usage)
        }
        hasHeard = true
    }

    private mutating func add(_ delta: ChatDelta) {
        _ = joiner.add(delta)
        ids += (delta.toolCalls?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
    }

    var answer: (reasoning: String?, text: String, calls: [PartialCall]) {
        let whole = joiner.joined
        let calls = (whole.toolCalls?.arrayValue ?? []).map { call in
            PartialCall(
                name: call["function"]?["name"]?.stringValue ?? "",
                arguments: call["function"]?["arguments"]?.stringValue ?? "")
        }
        return (whole.reasoning, whole.text, calls)
    }
}
