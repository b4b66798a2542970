// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// What a node says while it answers `kith ask`: events in, text to print out.
package struct AskTranscript: Sendable {
    package private(set) var text = ""
    package private(set) var model: String?
    package private(set) var finishReason: String?
    package private(set) var usage: JSONValue?
    /// Which nodes went on when the one before broke off, and after how many tokens, as the node reports it.
    package private(set) var continuations: [JSONValue] = []
    private var isDone = false
    private static let continuationLimit = 64

    package init() {}

    /// `; laptop went on after 120 tokens`, for each that did; empty when none had to.
    package var continuationNote: String {
        continuations.map { continued in
            let node = continued["node"]?.stringValue ?? "another node"
            return "; \(node) went on" + (continued["after_tokens"]?.intValue.map { " after \($0) tokens" } ?? "")
        }
        .joined().printable
    }

    /// - Returns: The text that the event adds to the answer.
    /// - Throws: ``CommandError`` with `cutOff` for an error that the node reports in the stream, and for what is not an
    ///   event of a chat.
    package mutating func take(_ event: ServerSentEvent) throws(CommandError) -> String {
        if isDone { return "" }
        if event.data == "[DONE]" {
            isDone = true
            return ""
        }
        let value: JSONValue
        do {
            value = try JSONBody.decode(JSONValue.self, from: event.data.utf8)
        } catch {
            throw CommandError(.cutOff, "the node sent what is not part of an answer")
        }
        if let error = value["error"] {
            let reason = error["message"]?.stringValue ?? error.stringValue ?? "the node gave no reason"
            throw broken(reason)
        }
        return note(value)
    }

    /// Call when the stream has ended.
    ///
    /// - Throws: ``CommandError`` with `cutOff` when the answer is not whole.
    package func end() throws(CommandError) {
        guard finishReason != nil || isDone else {
            throw broken("the node's stream ended before the answer did")
        }
    }

    /// What is said of an answer that is not whole: what has not begun was not cut off.
    package func broken(_ reason: String) -> CommandError {
        text.isEmpty
            ? CommandError(.notAnswered, reason.printable)
            : CommandError(.cutOff, "the answer was cut off: \(reason.printable)")
    }

    private mutating func note(_ chunk: JSONValue) -> String {
        if let model = chunk["model"]?.stringValue { self.model = model }
        if let usage = chunk["usage"], usage != .null { self.usage = usage }
        if let continued = chunk["x_kith"]?["continued"], continuations.count < Self.continuationLimit {
            continuations.append(continued)
        }
        guard let choice = chunk["choices"]?.arrayValue?.first else { return "" }
        if let reason = choice["finish_reason"]?.stringValue { finishReason = reason }
        let piece = choice["delta"]?["content"]?.stringValue ?? ""
        text += piece
        return piece
    }
}

/// What `kith ask --json` prints.
package struct AskResult: Sendable, Encodable {
    package var answer: String
    package var model: String?
    package var finishReason: String?
    package var route: RouteNote
    package var usage: JSONValue?
    /// Left out when no other node had to continue the answer.
    package var continuations: [JSONValue]?

    package init(_ transcript: AskTranscript, route: RouteNote) {
        answer = transcript.text
        model = transcript.model
        finishReason = transcript.finishReason
        usage = transcript.usage
        continuations = transcript.continuations.isEmpty ? nil : transcript.continuations
        self.route = route
    }

    private enum CodingKeys: String, CodingKey {
        case answer, model, route, usage, continuations
        case finishReason = "finish_reason"
    }
}

/// What the header `x-kith-route` says: `node=desk; model="smollm2"; reason=shortest-wait; skipped="laptop:no-engine"`.
package struct RouteNote: Hashable, Sendable, Codable {
    package var node: String?
    package var model: String?
    package var reason: String?
    package var skipped: String?

    package init(node: String? = nil, model: String? = nil, reason: String? = nil, skipped: String? = nil) {
        self.node = node
        self.model = model
        self.reason = reason
        self.skipped = skipped
    }

    /// Reads what it can; unknown parameters are left out.
    package init(header: String) {
        for (name, value) in Self.parameters(header) {
            switch name {
            case "node": node = value
            case "model": model = value
            case "reason": reason = value
            case "skipped": skipped = value
            default: continue
            }
        }
    }

    /// `desk (smollm2)`
    var who: String { (node ?? "an unnamed machine") + (model.map { " (\($0))" } ?? "") }

    /// `: the shortest wait; not laptop: it has no model`
    var why: String {
        (reason.map { ": \(RouteWords.reason($0))" } ?? "")
            + Self.parts(ofSkipped: skipped ?? "").map { "; not \(Self.words(ofSkipped: $0))" }.joined()
    }

    /// Details in parentheses may hold commas too.
    private static func parts(ofSkipped text: String) -> [Substring] {
        var depth = 0
        return text.split { character in
            depth += character == "(" ? 1 : character == ")" && depth > 0 ? -1 : 0
            return character == "," && depth == 0
        }
    }

    /// `laptop: it has no model`, for `laptop:no-engine`.
    private static func words(ofSkipped part: Substring) -> String {
        let part = part.drop { $0 == " " }
        guard let colon = part.firstIndex(of: ":") else { return String(part) }
        let reason = String(part[part.index(after: colon)...])
        return "\(part[..<colon]): \(RouteWords.meaning(ofSkip: reason) ?? reason)"
    }

    private static func parameters(_ header: String) -> [(name: String, value: String)] {
        var isQuoted = false
        let parts = header.split { character in
            if character == "\"" { isQuoted.toggle() }
            return character == ";" && !isQuoted
        }
        return parts.compactMap { part in
            guard let equals = part.firstIndex(of: "=") else { return nil }
            let name = part[..<equals].filter { $0 != " " }.lowercased()
            var value = part[part.index(after: equals)...]
            while value.last == " " { value.removeLast() }
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            return (name, String(value))
        }
    }
}

/// The line below an answer: who gave it and how fast, and on request why.
package struct AnswerNote: Hashable, Sendable {
    package struct Pace: Hashable, Sendable {
        /// Made, as the engine counts them.
        package var tokens: Int?
        /// From the first text to the end.
        package var writing: Duration
        /// From the question to the end.
        package var total: Duration

        package init(tokens: Int?, writing: Duration, total: Duration) {
            self.tokens = tokens
            self.writing = writing
            self.total = total
        }
    }

    private let route: RouteNote
    private let pace: Pace

    package init(_ route: RouteNote, _ pace: Pace) {
        self.route = route
        self.pace = pace
    }

    /// `— answered by desk (smollm2), 41 tokens/s, 2.3 s`
    package func text(isDetailed: Bool) -> String {
        var text = "— answered by \(route.who)"
        // A few tokens that came at once say nothing of a speed.
        if let tokens = pace.tokens, tokens >= 8, pace.writing >= .milliseconds(50) {
            text += ", \(AnswerPace.text(Double(tokens) / pace.writing.seconds)) tokens/s"
        }
        text += ", \(AnswerPace.text(pace.total.seconds)) s"
        return (isDetailed ? text + route.why : text).printable
    }
}
