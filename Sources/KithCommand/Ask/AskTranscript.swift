// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// What a node says while it answers `kith ask`: events in, text to print out.
package struct AskTranscript: Sendable {
    package private(set) var text = ""
    package private(set) var model: String?
    package private(set) var finishReason: String?
    package private(set) var usage: JSONValue?
    private var isDone = false

    package init() {}

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
        guard let choice = chunk["choices"]?.arrayValue?.first else { return "" }
        if let reason = choice["finish_reason"]?.stringValue { finishReason = reason }
        let piece = choice["delta"]?["content"]?.stringValue ?? ""
        text += piece
        return piece
    }
}
