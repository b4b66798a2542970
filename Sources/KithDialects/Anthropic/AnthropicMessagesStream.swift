// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes one answer as server-sent events of `POST /v1/messages`.
///
/// A value that is fed what arrives. A message is content blocks one after the other, so a piece of another kind closes the
/// block before it. What is broken off has no `message_stop`.
package struct AnthropicStreamEncoder: Sendable {
    /// Calls of tools in one answer.
    private static let callLimit = 1_024

    private enum Block: Hashable {
        case text, thinking
        /// The call with this index in OpenAI's streaming form.
        case call(Int)
    }

    package var header: AnthropicAnswerHeader
    /// Whether `message_start` is out.
    private var hasBegun = false
    private var current: Block?
    /// The place of that block, or of the next one.
    private var index = 0
    /// The calls that have begun.
    private var calls: Set<Int> = []
    private var hasRefused = false
    private var matchedStop: String?
    /// Why the rest cannot be told: the answer then ends with an error.
    private var fault: String?

    package init(header: AnthropicAnswerHeader) { self.header = header }

    package mutating func append(_ delta: ChatDelta, to bytes: inout [UInt8]) {
        if let stop = header.matchedStop(delta.choiceExtra) { matchedStop = stop }
        if header.showsThoughts, let thought = delta.reasoning, !thought.isEmpty {
            begin(.thinking, ["type": "thinking", "thinking": "", "signature": ""], to: &bytes)
            append("thinking_delta", "thinking", thought, to: &bytes)
        }
        append(text: delta.text, to: &bytes)
        if let refusal = delta.refusal {
            hasRefused = true
            append(text: refusal, to: &bytes)
        }
        for call in delta.toolCalls?.arrayValue ?? [] { append(call: call, to: &bytes) }
    }

    /// The events that close a whole answer.
    package mutating func append(end finish: FinishReason, _ usage: TokenUsage, to bytes: inout [UInt8]) {
        begin(&bytes)
        guard fault == nil else { return append(failure: .init(status: 502, message: fault ?? ""), to: &bytes) }
        close(&bytes)
        let end = AnthropicAnswerEnd(
            finish, hasCalls: !calls.isEmpty, hasRefused: hasRefused, matchedStop: matchedStop)
        append(
            "message_delta",
            [
                "delta": ["stop_reason": end.reason, "stop_sequence": end.sequence],
                "usage": .object(header.usage(usage)),
            ], to: &bytes)
        append("message_stop", [:], to: &bytes)
    }

    /// The event that says that the answer broke off; nothing may follow it.
    package func append(failure: AnthropicErrorBody, to bytes: inout [UInt8]) {
        append("error", failure.json, to: &bytes)
    }

    /// Says in a comment that another node continues the answer: the dialect has no event that clients would overlook.
    package func append(_ continuation: OpenAIContinuation, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: ": x_kith ".utf8)
        continuation.json.write(to: &bytes)
        bytes.append(contentsOf: "\n\n".utf8)
    }

    /// The event that says that there is nothing to say yet.
    package static let ping = Array("event: ping\ndata: {\"type\":\"ping\"}\n\n".utf8)

    // MARK: Pieces

    private mutating func append(text: String, to bytes: inout [UInt8]) {
        guard !text.isEmpty else { return }
        begin(.text, ["type": "text", "text": ""], to: &bytes)
        append("text_delta", "text", text, to: &bytes)
    }

    private mutating func append(call: JSONValue, to bytes: inout [UInt8]) {
        let function = call["function"]
        let place = call["index"]?.intValue ?? calls.count
        let arguments = Self.text(of: function?["arguments"])
        if current != .call(place) {
            if calls.contains(place) {
                // Its block is closed, and cannot be opened again.
                if !arguments.isEmpty { fault = fault ?? "the engine mixes the pieces of several calls" }
                return
            }
            guard calls.count < Self.callLimit, let name = function?["name"]?.stringValue, !name.isEmpty else {
                fault = fault ?? "the engine's call of a tool has no name, or there are too many"
                return
            }
            let id = AnthropicMessagesAnswer.id(of: call, place, header)
            calls.insert(place)
            begin(
                .call(place), ["type": "tool_use", "id": .string(id), "name": .string(name), "input": [:]], to: &bytes)
        }
        if !arguments.isEmpty { append("input_json_delta", "partial_json", arguments, to: &bytes) }
    }

    /// Engines give arguments as a piece of JSON, and a few as an object.
    private static func text(of arguments: JSONValue?) -> String {
        switch arguments {
        case .string(let piece)?: piece
        case .object?: arguments?.jsonText ?? ""
        default: ""
        }
    }

    // MARK: Blocks

    private mutating func begin(_ bytes: inout [UInt8]) {
        guard !hasBegun else { return }
        hasBegun = true
        let message = header.message([], end: nil, usage: TokenUsage(promptTokens: 0, completionTokens: 0))
        append("message_start", ["message": .object(message)], to: &bytes)
    }

    private mutating func begin(_ block: Block, _ content: JSONValue, to bytes: inout [UInt8]) {
        guard current != block else { return }
        begin(&bytes)
        close(&bytes)
        append(
            "content_block_start", ["index": .integer(Int64(index)), "content_block": content], to: &bytes)
        current = block
    }

    private mutating func close(_ bytes: inout [UInt8]) {
        guard let block = current.take() else { return }
        if block == .thinking {
            append("signature_delta", "signature", AnthropicMessagesAnswer.signature, to: &bytes)
        }
        append("content_block_stop", ["index": .integer(Int64(index))], to: &bytes)
        index += 1
    }

    /// A piece of the current block.
    private func append(_ type: String, _ member: String, _ piece: String, to bytes: inout [UInt8]) {
        let head =
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":\(index),"
            + "\"delta\":{\"type\":\"\(type)\",\"\(member)\":"
        bytes.append(contentsOf: head.utf8)
        JSONText.append(piece, to: &bytes)
        bytes.append(contentsOf: "}}\n\n".utf8)
    }

    private func append(_ name: String, _ members: JSONObject, to bytes: inout [UInt8]) {
        var event = members
        event.updateFirst(.string(name), forKey: "type")
        bytes.append(contentsOf: "event: \(name)\ndata: ".utf8)
        event.write(to: &bytes)
        bytes.append(contentsOf: "\n\n".utf8)
    }
}
