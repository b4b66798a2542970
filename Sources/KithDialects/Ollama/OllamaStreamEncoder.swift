// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes one answer as lines of JSON, as `/api/chat` and `/api/generate` stream it.
///
/// A value that is fed what arrives. Calls of tools come whole, at the end; what is broken off has no line that is `done`.
package struct OllamaStreamEncoder: Sendable {
    /// Bytes that the calls of one answer may have.
    private static let callLimit = 16 << 20

    package var header: OllamaAnswerHeader
    private var calls = DeltaJoiner(limit: OllamaStreamEncoder.callLimit)
    private var isOverLimit = false

    package init(header: OllamaAnswerHeader) { self.header = header }

    package mutating func append(_ delta: ChatDelta, at time: WallTime, to bytes: inout [UInt8]) {
        if let pieces = delta.toolCalls, !calls.add(ChatDelta(toolCalls: pieces)) { isOverLimit = true }
        let text = delta.text + (delta.refusal ?? "")
        let thoughts = header.visible(delta.reasoning)
        let logprobs = OllamaAnswerHeader.logprobs(delta.choiceExtra)
        guard !text.isEmpty || thoughts != nil || logprobs != nil else { return }
        append(header.piece(text: text, thoughts: thoughts, logprobs: logprobs, at: time), to: &bytes)
    }

    /// The lines that close a whole answer.
    package func append(
        end finish: FinishReason, _ usage: TokenUsage, _ times: OllamaTimes, at time: WallTime, to bytes: inout [UInt8]
    ) {
        guard !isOverLimit else {
            return append(failure: "the engine's calls of tools are too long", to: &bytes)
        }
        do {
            let whole = try OllamaAnswer.calls(calls.joined.toolCalls, mayBeCut: finish == .length)
            if !whole.isEmpty, header.route == .chat { append(header.piece(calls: whole, at: time), to: &bytes) }
        } catch {
            return append(failure: error.message, to: &bytes)
        }
        append(header.end(header.piece(at: time), finish, usage, times), to: &bytes)
    }

    /// The line that says that the answer broke off; nothing may follow it.
    package func append(failure message: String, to bytes: inout [UInt8]) {
        append(["error": .string(message)], to: &bytes)
    }

    /// A piece without text: clients add nothing, and see that the answer is still coming.
    package func append(silenceAt time: WallTime, to bytes: inout [UInt8]) {
        append(header.piece(at: time), to: &bytes)
    }

    /// Says in a piece without text that another node continues the answer.
    package func append(_ continuation: OpenAIContinuation, at time: WallTime, to bytes: inout [UInt8]) {
        var piece = header.piece(at: time)
        piece["x_kith"] = .object(continuation.json)
        append(piece, to: &bytes)
    }

    private func append(_ line: JSONObject, to bytes: inout [UInt8]) {
        line.write(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
    }
}
