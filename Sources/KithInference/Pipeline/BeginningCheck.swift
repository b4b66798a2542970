// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Compares an answer that is given anew with what the client has of it already, and lets through only what comes after:
/// a pure value.
struct PrefixCheck: Sendable {
    private var expected: ArraySlice<UInt8>

    init(_ begun: String) { expected = Array(begun.utf8)[...] }

    /// Whether all that the client has was said again.
    var isPassed: Bool { expected.isEmpty }

    /// - Returns: What of `text` the client has not got; empty while it has.
    /// - Throws: ``ChatFailure`` with `cannotContinue` when this is another answer. Bytes are compared: what is merely
    ///   canonically equivalent was not what the client got.
    mutating func take(_ text: String) throws(ChatFailure) -> String {
        guard !expected.isEmpty else { return text }
        let bytes = text.utf8
        let common = min(bytes.count, expected.count)
        guard bytes.prefix(common).elementsEqual(expected.prefix(common)) else {
            throw ChatFailure(.cannotContinue, "the engine that was asked instead answers otherwise")
        }
        expected = expected.dropFirst(common)
        return String(decoding: bytes.dropFirst(common), as: UTF8.self)
    }
}

/// Takes white space from the beginning of what goes on, where the client has it already and the engine could not be told:
/// a pure value.
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
        // Once the engine says something else, all that it would say of it has been said.
        given = common == bytes.count ? given.dropFirst(common) : []
        return String(decoding: bytes.dropFirst(common), as: UTF8.self)
    }
}

/// What of an answer that goes on with another's beginning is new to the client: a pure value.
enum BeginningCheck: Sendable {
    /// The engine was told all that is there, or nothing is.
    case none
    case space(SpaceCheck)
    /// The engine was asked anew.
    case prefix(PrefixCheck, of: BegunAnswer)

    /// Whether there is anything to check.
    var isOn: Bool { if case .none = self { false } else { true } }

    /// - Returns: What the event is to the client.
    /// - Throws: ``ChatFailure`` with `cannotContinue` when the answer is another, or over before it was where the first was.
    mutating func take(_ event: ChatEvent) throws(ChatFailure) -> ChatEvent {
        switch self {
        case .none: return event
        case .space(var space):
            guard case .delta(var delta) = event else { return event }
            delta.text = space.take(delta.text)
            self = .space(space)
            return .delta(delta)
        case .prefix(var prefix, let begun):
            defer { self = .prefix(prefix, of: begun) }
            return try prefix.take(event, begun)
        }
    }
}

extension PrefixCheck {
    fileprivate mutating func take(_ event: ChatEvent, _ begun: BegunAnswer) throws(ChatFailure) -> ChatEvent {
        switch event {
        case .waiting, .comment: return event
        case .delta(var delta):
            delta.text = try take(delta.text)
            delta.reasoning = nil  // the client has had the first engine's thoughts
            return delta.text.isEmpty && delta.toolCalls == nil ? .waiting(.reading) : .delta(delta)
        case .finished(let finish, let usage):
            guard isPassed else {
                throw ChatFailure(.cannotContinue, "the engine that was asked instead has less to say")
            }
            return .finished(finish, usage.remaining(after: begun))
        case .raw, .rawEnd:
            throw ChatFailure(.cannotContinue, "the rest of an answer came in a form that cannot be compared")
        }
    }
}
