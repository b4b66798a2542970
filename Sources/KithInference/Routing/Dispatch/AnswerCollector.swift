// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A whole answer, put together from its pieces.
package struct WholeAnswer: Sendable {
    package var message: ChatDelta
    package var finish: FinishReason
    package var usage: TokenUsage

    package init(message: ChatDelta, finish: FinishReason, usage: TokenUsage) {
        self.message = message
        self.finish = finish
        self.usage = usage
    }
}

/// Puts the pieces of an answer together: a pure value, bounded.
package struct AnswerCollector: Sendable {
    /// Bytes of text and reasoning that one answer may have.
    package static let limit = 16 << 20

    private var message = ChatDelta()
    private var toolCalls: [JSONValue] = []
    private var size = 0

    package init() {}

    /// Waits for the whole answer.
    ///
    /// - Throws: What the stream throws, and ``ChatFailure`` with `interrupted` when it ends before it is finished.
    static func collect(_ stream: RoutedStream) async throws -> WholeAnswer {
        var collector = AnswerCollector()
        while let event = try await stream.next() {
            if case .event(let event) = event, let whole = try collector.add(event) { return whole }
        }
        throw ChatFailure(.interrupted, "the answer ended before it was whole")
    }

    /// - Returns: The whole answer, when `event` ends it.
    /// - Throws: ``ChatFailure`` with `invalidAnswer` when the answer grows over the limit.
    package mutating func add(_ event: ChatEvent) throws -> WholeAnswer? {
        switch event {
        case .waiting: return nil
        case .delta(let delta):
            size += delta.text.utf8.count + (delta.reasoning?.utf8.count ?? 0)
            guard size <= Self.limit else {
                throw ChatFailure(.invalidAnswer, "the answer is longer than \(Self.limit) bytes")
            }
            message.text += delta.text
            if let reasoning = delta.reasoning { message.reasoning = (message.reasoning ?? "") + reasoning }
            for call in delta.toolCalls?.arrayValue ?? [] { add(call) }
            return nil
        case .finished(let finish, let usage):
            message.toolCalls = toolCalls.isEmpty ? nil : .array(toolCalls)
            return WholeAnswer(message: message, finish: finish, usage: usage)
        }
    }

    /// Streamed calls come in pieces that name their place by `index`; the pieces' arguments are joined.
    private mutating func add(_ call: JSONValue) {
        guard case .object(var piece) = call else { return }
        let index = piece.removeValue(forKey: "index")?.intValue ?? toolCalls.count
        guard toolCalls.indices.contains(index), case .object(var known) = toolCalls[index] else {
            if toolCalls.count < 256 { toolCalls.append(.object(piece)) }
            return
        }
        known.merge(piece) { old, new in Self.join(old, new) }
        toolCalls[index] = .object(known)
    }

    private static func join(_ old: JSONValue, _ new: JSONValue) -> JSONValue {
        guard case .object(var function) = old, case .object(let piece) = new else { return new == .null ? old : new }
        for (key, value) in piece {
            if key == "arguments", let head = function[key]?.stringValue, let tail = value.stringValue {
                function[key] = .string(head + tail)
            } else if value != .null {
                function[key] = value
            }
        }
        return .object(function)
    }
}
