// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes one answer as server-sent events of `POST /v1/messages`.
///
/// A value that is fed what arrives. A message is content blocks one after the other, so a piece of another kind closes the
/// block before it, unless that is a call which is not whole: clients run a call as soon as its block is closed. What comes
/// then waits. What is broken off has no `message_stop`.
package struct AnthropicStreamEncoder: Sendable {
    package var header: AnthropicAnswerHeader
    /// Whether `message_start` is out.
    private var hasBegun = false
    private var blocks = AnthropicOpenBlocks()
    /// The place of the block that is open, or of the next one.
    private var index = 0
    private var hasRefused = false
    private var matchedStop: String?

    package init(header: AnthropicAnswerHeader) { self.header = header }

    package mutating func append(_ delta: ChatDelta, to bytes: inout [UInt8]) {
        if let stop = header.matchedStop(delta.choiceExtra) { matchedStop = stop }
        if header.showsThoughts {
            if let thought = delta.reasoning, !thought.isEmpty { write(blocks.add(.thought(thought)), to: &bytes) }
            for block in delta.extra["thinking_blocks"]?.arrayValue ?? [] {
                write(blocks.add(signed: block), to: &bytes)
            }
        }
        if !delta.text.isEmpty { write(blocks.add(.text(delta.text)), to: &bytes) }
        if let refusal = delta.refusal {
            hasRefused = true
            if !refusal.isEmpty { write(blocks.add(.text(refusal)), to: &bytes) }
        }
        for call in delta.toolCalls?.arrayValue ?? [] { write(blocks.add(call: call), to: &bytes) }
    }

    /// The events that close a whole answer.
    package mutating func append(end finish: FinishReason, _ usage: TokenUsage, to bytes: inout [UInt8]) {
        begin(&bytes)
        write(blocks.end(mayBeCut: finish == .length), to: &bytes)
        if let fault = blocks.fault { return append(failure: .init(status: 502, message: fault), to: &bytes) }
        let end = AnthropicAnswerEnd(
            finish, hasCalls: blocks.hasCalls, hasRefused: hasRefused, matchedStop: matchedStop)
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

    // MARK: Events

    private mutating func begin(_ bytes: inout [UInt8]) {
        guard !hasBegun else { return }
        hasBegun = true
        let message = header.message([], end: nil, usage: TokenUsage(promptTokens: 0, completionTokens: 0))
        append("message_start", ["message": .object(message)], to: &bytes)
    }

    private mutating func write(_ steps: [AnthropicOpenBlocks.Step], to bytes: inout [UInt8]) {
        for step in steps { write(step, to: &bytes) }
    }

    private mutating func write(_ step: AnthropicOpenBlocks.Step, to bytes: inout [UInt8]) {
        switch step {
        case .beginText: begin(["type": "text", "text": ""], to: &bytes)
        case .beginThought: begin(["type": "thinking", "thinking": "", "signature": ""], to: &bytes)
        case .redactedThought(let block): begin(block, to: &bytes)
        case .beginCall(let call):
            let id = call.id ?? AnthropicMessagesAnswer.id(ofCall: call.place, header)
            begin(["type": "tool_use", "id": .string(id), "name": .string(call.name), "input": [:]], to: &bytes)
        case .text(let piece): append("text_delta", "text", piece, to: &bytes)
        case .thought(let piece): append("thinking_delta", "thinking", piece, to: &bytes)
        case .signature(let signature): append("signature_delta", "signature", signature, to: &bytes)
        case .arguments(let piece): append("input_json_delta", "partial_json", piece, to: &bytes)
        case .close:
            append("content_block_stop", ["index": .integer(Int64(index))], to: &bytes)
            index += 1
        }
    }

    private mutating func begin(_ content: JSONValue, to bytes: inout [UInt8]) {
        begin(&bytes)
        append("content_block_start", ["index": .integer(Int64(index)), "content_block": content], to: &bytes)
    }

    /// A piece of the open block.
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
