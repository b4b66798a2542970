// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// What a node says while it answers `kith ask`: events in, text to print out.
package struct AskTranscript: Sendable {
    package private(set) var text = ""
    package private(set) var model: String?
    package private(set) var finishReason: String?
    package private(set) var usage: JSONValue?
    /// Who went on when the one before broke off, and after how many tokens, as the node tells it.
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
    /// - Throws: ``CommandFailure`` with `cutOff` for an error that the node reports in the stream, and for what is not an
    ///   event of a chat.
    package mutating func take(_ event: ServerSentEvent) throws(CommandFailure) -> String {
        if isDone { return "" }
        if event.data == "[DONE]" {
            isDone = true
            return ""
        }
        let value: JSONValue
        do {
            value = try JSONBody.decode(JSONValue.self, from: event.data.utf8)
        } catch {
            throw CommandFailure(.cutOff, "the node sent what is not part of an answer")
        }
        if let error = value["error"] {
            let reason = error["message"]?.stringValue ?? error.stringValue ?? "the node gave no reason"
            throw CommandFailure(.cutOff, "the answer was cut off: \(reason.printable)")
        }
        return note(value)
    }

    /// Call when the stream has ended.
    ///
    /// - Throws: ``CommandFailure`` with `cutOff` when the answer is not whole.
    package func end() throws(CommandFailure) {
        guard finishReason != nil || isDone else {
            throw CommandFailure(.cutOff, "the answer was cut off: the node's stream ended before the answer did")
        }
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
