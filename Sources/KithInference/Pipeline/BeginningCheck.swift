// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What part of a continued answer is new to the client: a pure value.
enum BeginningCheck: Sendable {
    /// The engine was sent the whole answer so far, or there is none.
    case none
    case space(SpaceCheck)
    /// The engine was asked for the whole answer again.
    case all(AnswerCheck, of: PartialAnswer)

    /// Whether there is anything to check.
    var isOn: Bool { if case .none = self { false } else { true } }

    /// - Returns: The event as the client gets it.
    /// - Throws: `ChatError` with `cannotContinue` when this is another answer, or it ends before it reaches the
    ///   place where the first broke off.
    mutating func take(_ event: ChatEvent) throws(ChatError) -> ChatEvent {
        switch self {
        case .none: return event
        case .space(var space):
            guard case .delta(var delta) = event else { return event }
            delta.text = space.take(delta.text)
            self = .space(space)
            return .delta(delta)
        case .all(var answer, let begun):
            defer { self = .all(answer, of: begun) }
            return try answer.take(event, begun)
        }
    }
}

/// Compares an answer that is given again with what the client has of it already, and passes on only what follows.
struct AnswerCheck: Sendable {
    private var text: PrefixCheck
    private var thoughts: ThoughtCheck
    private var calls: CallCheck

    init(_ begun: PartialAnswer) {
        text = PrefixCheck(begun.text)
        // Once the answer itself has begun, the client has had all of the first engine's thoughts.
        let hasAnswer = !begun.text.isEmpty || begun.calls?.isEmpty == false
        thoughts = ThoughtCheck(hasAnswer ? nil : begun.reasoning)
        calls = CallCheck(begun.calls ?? [])
    }

    fileprivate mutating func take(_ event: ChatEvent, _ begun: PartialAnswer) throws(ChatError) -> ChatEvent {
        switch event {
        case .waiting, .comment: return event
        case .delta(var delta):
            let whole = delta.text.utf8.count
            delta.text = try text.take(delta.text)
            // What is said of text that the client has, it has too.
            if delta.text.utf8.count < whole { (delta.extra, delta.choiceExtra) = ([:], [:]) }
            delta.reasoning = delta.reasoning.flatMap { thoughts.take($0) }
            delta.extra.removeValue(forKey: "thinking_blocks")  // they sign other thoughts than the client has
            delta.toolCalls = try delta.toolCalls.flatMap { pieces throws(ChatError) in try calls.take(pieces) }
            if delta.refusal != nil, !text.isPassed || !calls.isPassed {
                throw ChatError(.cannotContinue, "the engine that was asked instead refuses")
            }
            return delta.isEmpty ? .waiting(.reading) : .delta(delta)
        case .finished(let finish, let usage):
            guard text.isPassed, calls.isPassed else {
                throw ChatError(.cannotContinue, "the engine that was asked instead has less to say")
            }
            return .finished(finish, usage.remaining(after: begun))
        case .raw, .rawEnd:
            throw ChatError(.cannotContinue, "the rest of an answer came in a form that cannot be compared")
        }
    }
}

/// Compares a text that is given again with what the client has of it already, and passes on only what follows: a pure
/// value.
struct PrefixCheck: Sendable {
    private var expected: ArraySlice<UInt8>

    init(_ begun: String) { expected = Array(begun.utf8)[...] }

    /// Whether all that the client has was given again.
    var isPassed: Bool { expected.isEmpty }

    /// - Returns: The part of `text` that the client does not have yet; empty if it has all of it.
    /// - Throws: `ChatError` with `cannotContinue` when this is another answer. Bytes are compared: what is merely
    ///   canonically equivalent was not what the client got.
    mutating func take(_ text: String) throws(ChatError) -> String {
        guard !expected.isEmpty else { return text }
        let bytes = text.utf8
        let common = min(bytes.count, expected.count)
        guard bytes.prefix(common).elementsEqual(expected.prefix(common)) else {
            throw ChatError(.cannotContinue, "the engine that was asked instead answers otherwise")
        }
        expected = expected.dropFirst(common)
        return String(decoding: bytes.dropFirst(common), as: UTF8.self)
    }
}

/// Removes white space from the beginning of a continuation, where the client has it already and it could not be sent
/// to the engine: a pure value.
struct SpaceCheck: Sendable {
    private var given: ArraySlice<UInt8>

    init(_ space: some StringProtocol) { given = Array(space.utf8)[...] }

    mutating func take(_ text: String) -> String {
        guard !given.isEmpty, !text.isEmpty else { return text }
        let bytes = text.utf8
        var common = 0
        for (said, had) in zip(bytes, given) {
            guard said == had else { break }
            common += 1
        }
        // Once the engine says something else, no more of this white space follows.
        given = common == bytes.count ? given.dropFirst(common) : []
        return String(decoding: bytes.dropFirst(common), as: UTF8.self)
    }
}

/// Passes on the thoughts that follow those that the client has. Other thoughts are no other answer: they are kept back.
struct ThoughtCheck: Sendable {
    /// `nil` when no more thoughts are passed on.
    private var known: PrefixCheck?

    /// - Parameter begun: The thoughts that the client has; `nil` for one that shall get no more.
    init(_ begun: String?) { known = begun.map { PrefixCheck($0) } }

    /// - Returns: What of `thoughts` the client gets; `nil` for nothing.
    mutating func take(_ thoughts: String) -> String? {
        guard let rest = try? known?.take(thoughts) else {
            known = nil
            return nil
        }
        return rest.isEmpty ? nil : rest
    }
}

/// Compares tool calls that are made again with those that the client has, and passes on only what follows: a pure value.
struct CallCheck: Sendable {
    private struct Expected: Sendable {
        /// The client's.
        var index: Int
        var name: String
        var arguments: PrefixCheck
        var isMade = false
    }

    /// Calls of an engine that are told apart.
    private static let limit = 1_024

    private var expected: [Expected]
    /// The index of the first call that the client does not have.
    private let next: Int
    /// What the engine calls the calls, in the order in which it makes them.
    private var order: [Int] = []

    init(_ begun: [PartialCall]) {
        expected = begun.enumerated().map { place, call in
            Expected(index: call.index ?? place, name: call.name, arguments: PrefixCheck(call.arguments))
        }
        let last = expected.map(\.index).max() ?? -1
        next = last < Int.max - Self.limit ? last + 1 : expected.count
    }

    /// Whether all that the client has was made again.
    var isPassed: Bool { expected.allSatisfy { $0.isMade && $0.arguments.isPassed } }

    /// - Parameter pieces: Pieces of calls, in OpenAI's streaming form.
    /// - Returns: What of them the client does not have yet; `nil` for nothing.
    /// - Throws: `ChatError` with `cannotContinue` when these are other calls.
    mutating func take(_ pieces: JSONValue) throws(ChatError) -> JSONValue? {
        guard !expected.isEmpty else { return pieces }
        var rest: [JSONValue] = []
        for piece in pieces.arrayValue ?? [] {
            if let new = try take(piece: piece) { rest.append(new) }
        }
        return rest.isEmpty ? nil : .array(rest)
    }

    private mutating func take(piece: JSONValue) throws(ChatError) -> JSONValue? {
        let place = place(of: piece["index"]?.intValue ?? order.count)
        guard expected.indices.contains(place) else {
            guard case .object(var new) = piece else { return nil }
            new.updateFirst(.integer(Int64(next + place - expected.count)), forKey: "index")
            return .object(new)
        }
        let function = piece["function"]
        if let name = function?["name"]?.stringValue, !name.isEmpty, name != expected[place].name {
            throw ChatError(.cannotContinue, "the engine that was asked instead calls another tool")
        }
        expected[place].isMade = true
        let rest = try expected[place].arguments.take(function?["arguments"]?.stringValue ?? "")
        // The client has the call's name and id from the first engine.
        return rest.isEmpty
            ? nil : ["index": .integer(Int64(expected[place].index)), "function": ["arguments": .string(rest)]]
    }

    private mutating func place(of index: Int) -> Int {
        if let place = order.firstIndex(of: index) { return place }
        if order.count < Self.limit { order.append(index) }
        return order.count - 1
    }
}
