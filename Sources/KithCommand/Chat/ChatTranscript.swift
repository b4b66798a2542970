// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// What a node says while it answers in a conversation: events in, what to show out; see `AnswerNews`.
package struct ChatTranscript: Sendable {
    package enum Showing: Hashable, Sendable {
        /// A piece of the answer, as the model said it.
        case text(String)
        /// A line beside it.
        case note(String)
    }

    package private(set) var text = ""
    /// Who answered, why, and why not the others; empty before anybody did.
    package private(set) var route: [String] = []
    package private(set) var isOver = false
    private var who = ""
    private var waiting = ""
    private var isThinking = false

    package init() {}

    /// - Throws: ``CommandError`` with `cutOff` for an answer that broke off, and for what is not an event of one.
    package mutating func take(_ event: ServerSentEvent) throws(CommandError) -> Showing? {
        guard let news = try? JSONBody.decode(JSONValue.self, from: event.data.utf8) else {
            throw CommandError(.cutOff, "the node sent what is not part of an answer")
        }
        switch event.name {
        case "waiting":
            let words = news["text"]?.stringValue?.printable ?? ""
            guard words != waiting, text.isEmpty else { return nil }
            waiting = words
            return .note("waiting: " + words)
        case "began":
            begin(news)
            return nil
        case "thought":
            guard !isThinking, text.isEmpty else { return nil }
            isThinking = true
            return .note("thinking")
        case "text":
            let piece = news["text"]?.stringValue ?? ""
            text += piece
            return piece.isEmpty ? nil : .text(piece)
        case "continued":
            who = Self.who(news)
            let tokens = news["after_tokens"]?.intValue ?? 0
            route.append("\(who) went on after \(tokens) tokens".printable)
            return nil
        case "done":
            isOver = true
            return .note(ending(news))
        case "error":
            isOver = true
            throw CommandError(.cutOff, (news["message"]?.stringValue ?? "the node gave no reason").printable)
        default: return nil  // of a later version
        }
    }

    private mutating func begin(_ news: JSONValue) {
        who = Self.who(news)
        let reason = news["reason"]?.stringValue.map { ": \($0)" } ?? ""
        route = ["\(who)\(reason)".printable]
        for skip in news["skipped"]?.arrayValue ?? [] {
            guard let node = skip["node"]?.stringValue, let why = skip["reason"]?.stringValue else { continue }
            route.append("not \(node): \(why)".printable)
        }
    }

    private static func who(_ news: JSONValue) -> String {
        let node = news["node"]?.stringValue ?? "an unnamed machine"
        return news["model"]?.stringValue.map { "\(node) (\($0))" } ?? node
    }

    /// Who, how fast, how long until the first token, and what is not as it should be.
    private func ending(_ news: JSONValue) -> String {
        var parts = [who.isEmpty ? "nobody" : who]
        if let pace = news["tokens_per_second"]?.doubleValue { parts.append("\(AnswerPace.text(pace)) tokens/s") }
        if let first = news["first_token_ms"]?.doubleValue {
            parts.append("first token after \(AnswerPace.text(first / 1_000)) s")
        }
        switch news["finish"]?.stringValue {
        case "length": parts.append("stopped at the token limit")
        case "stopped": parts.append("stopped")
        default: break
        }
        if news["kept"]?.boolValue == false { parts.append("not kept") }
        return parts.joined(separator: ", ").printable
    }
}

/// How fast an answer came.
package enum AnswerPace {
    /// One digit behind the point below ten: `0.4`, `7.3`, `41`.
    package static func text(_ value: Double) -> String {
        guard value.isFinite, value >= 0, value < 1e9 else { return "?" }
        if value >= 9.95 { return String(Int(value.rounded())) }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
