// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes one answer as server-sent events of `POST /v1/responses`.
///
/// A value that is fed what arrives. Programs act on an item as soon as it is said to be done, so that is said of whole
/// items only: of a call when another item begins and its arguments are whole JSON, or when the whole answer ends.
package struct ResponsesStreamEncoder: Sendable {
    /// Bytes of text, thoughts and arguments that are kept to be told whole at the end.
    package static let limit = 16 << 20
    /// Items in one answer.
    private static let itemLimit = 1_024

    package var header: ResponsesHeader
    private var events = ResponsesEvents()
    private var hasBegun = false
    private var size = 0
    /// The item that the last piece belongs to.
    private var current: ResponsesItem?
    /// Calls that stand still while others are written.
    private var waiting: [ResponsesItem] = []
    /// The output by place; `nil` for what is not done.
    private var output: [JSONObject?] = []
    /// The calls that have begun, by their index in OpenAI's streaming form.
    private var calls: Set<Int> = []
    /// Why the rest cannot be told: the answer then ends as failed.
    private var fault: String?

    package init(header: ResponsesHeader) { self.header = header }

    package mutating func append(_ delta: ChatDelta, to bytes: inout [UInt8]) {
        guard fault == nil else { return }
        if let thought = delta.reasoning, !thought.isEmpty, takes(thought) {
            open(.reasoning, &bytes)
            openSummary(&bytes)
            append(thought, "reasoning_summary_text", ["summary_index": 0], to: &bytes)
        }
        if returnsSignatures {
            for block in delta.extra[AnthropicExtras.thoughts]?.arrayValue ?? [] where takes(block.jsonText ?? "") {
                open(.reasoning, &bytes)
                current?.signed.append(block)
            }
        }
        let logprobs = delta.choiceExtra["logprobs"]?["content"]?.arrayValue ?? []
        if !logprobs.isEmpty { size += JSONValue.array(logprobs).jsonBytes.count }
        if !delta.text.isEmpty || !logprobs.isEmpty, takes(delta.text) {
            open(.text, &bytes)
            append(text: delta.text, logprobs, to: &bytes)
        }
        if let refusal = delta.refusal, !refusal.isEmpty, takes(refusal) {
            open(.refusal, &bytes)
            append(refusal, "refusal", contentIndex, to: &bytes)
        }
        for call in delta.toolCalls?.arrayValue ?? [] { append(call: call, to: &bytes) }
    }

    /// Closes what can be closed of an answer that ended.
    ///
    /// - Returns: The last word, which is not written yet.
    package mutating func end(
        _ finish: FinishReason, _ usage: TokenUsage, to bytes: inout [UInt8]
    ) -> ResponsesEnding {
        begin(&bytes)
        switch finish {
        case .stop, .toolCalls, .functionCall: closeAll("completed", &bytes)
        case .length, .contentFilter: closeAll("incomplete", &bytes)
        default: fault = fault ?? "the engine ended the answer with '\(finish.rawValue.prefix(100))'"
        }
        if let fault { return failed(ChatError(.invalidAnswer, fault), usage) }
        switch finish {
        case .length: return incomplete("max_output_tokens", usage)
        case .contentFilter: return incomplete("content_filter", usage)
        default:
            let response = header.response("completed", output: done, usage: usage)
            return ResponsesEnding(response, event: "response.completed")
        }
    }

    package mutating func append(_ ending: ResponsesEnding, to bytes: inout [UInt8]) {
        events.append(ending.event, ["response": .object(ending.response)], to: &bytes)
    }

    /// The event that says that the answer broke off; nothing may follow it.
    package func append(failure: ResponsesFailure, to bytes: inout [UInt8]) {
        var encoder = self
        encoder.begin(&bytes)
        var response = header.response("failed", output: done)
        response["error"] = failure.json
        encoder.events.append("response.failed", ["response": .object(response)], to: &bytes)
    }

    /// The event that says that the response is being made, and nothing more: programs do not hear comments.
    package mutating func appendSign(to bytes: inout [UInt8]) {
        if hasBegun {
            events.append("response.in_progress", ["response": .object(header.sign)], to: &bytes)
        } else {
            begin(&bytes)
        }
    }

    /// Says in such an event that another node continues the answer.
    package mutating func append(_ continuation: OpenAIContinuation, to bytes: inout [UInt8]) {
        begin(&bytes)
        events.append(
            "response.in_progress", ["response": .object(header.sign), "x_kith": .object(continuation.json)],
            to: &bytes)
    }

    /// Whether signed thoughts come back: the client asked for them, or they are kept here for it.
    private var returnsSignatures: Bool { header.sealsThoughts || header.stores }

    private var done: [JSONValue] { output.compactMap { $0.map { .object($0) } } }

    private func incomplete(_ reason: String, _ usage: TokenUsage) -> ResponsesEnding {
        var response = header.response("incomplete", output: done, usage: usage)
        response["incomplete_details"] = ["reason": .string(reason)]
        return ResponsesEnding(response, event: "response.incomplete")
    }

    private func failed(_ failure: ChatError, _ usage: TokenUsage) -> ResponsesEnding {
        var response = header.response("failed", output: done, usage: usage)
        response["error"] = ResponsesFailure(status: 502, message: failure.message, isTooLong: false).json
        return ResponsesEnding(response, event: "response.failed", failure: failure)
    }

    private mutating func takes(_ piece: String) -> Bool {
        size += piece.utf8.count
        if size > Self.limit { fault = fault ?? "the answer is longer than \(Self.limit) bytes" }
        return fault == nil
    }
}

// MARK: Items

extension ResponsesStreamEncoder {
    private mutating func begin(_ bytes: inout [UInt8]) {
        guard !hasBegun else { return }
        hasBegun = true
        let response = JSONValue.object(header.response("in_progress"))
        events.append("response.created", ["response": response], to: &bytes)
        events.append("response.in_progress", ["response": response], to: &bytes)
    }

    private mutating func open(_ kind: ResponsesItem.Kind, _ bytes: inout [UInt8]) {
        guard current?.kind != kind else { return }
        begin(&bytes)
        leave(&bytes)
        guard let item = add(kind) else { return }
        current = item
        events.append("response.output_item.added", item, ["item": .object(item.json("in_progress"))], to: &bytes)
    }

    /// The summary of thoughts, before the first of them; thoughts that nobody may read have none.
    private mutating func openSummary(_ bytes: inout [UInt8]) {
        guard let item = current, item.kind == .reasoning, item.text.isEmpty else { return }
        let part: JSONValue = ["type": "summary_text", "text": ""]
        events.append(
            "response.reasoning_summary_part.added", item, ["summary_index": 0, "part": part], to: &bytes)
    }

    /// A part of a message; a part of another kind ends the one before it.
    private mutating func open(_ part: ResponsesItem.Part, _ bytes: inout [UInt8]) {
        open(.message, &bytes)
        guard current?.kind == .message, current?.part != part else { return }
        closePart(&bytes)
        current?.part = part
        guard let item = current else { return }
        var members = contentIndex
        members["part"] = item.openPart
        events.append("response.content_part.added", item, members, to: &bytes)
    }

    private mutating func add(_ kind: ResponsesItem.Kind, _ prefix: String? = nil) -> ResponsesItem? {
        guard output.count < Self.itemLimit else {
            fault = fault ?? "the answer has more than \(Self.itemLimit) items"
            return nil
        }
        output.append(nil)
        let place = output.count - 1
        return ResponsesItem(
            kind, id: header.item(prefix ?? (kind == .reasoning ? "rs" : "msg"), place), place: place)
    }

    /// What comes next belongs to another item.
    private mutating func leave(_ bytes: inout [UInt8]) {
        guard let item = current.take() else { return }
        if case .call = item.kind, !item.isWholeCall {
            waiting.append(item)
        } else {
            close(item, "completed", &bytes)
        }
    }

    private mutating func closeAll(_ status: String, _ bytes: inout [UInt8]) {
        guard fault == nil else { return }
        let open = (waiting + [current.take()].compactMap(\.self)).sorted { $0.place < $1.place }
        waiting = []
        for item in open {
            // A call that was cut is never said to be done: programs would run it.
            if status != "completed", case .call = item.kind, !item.isWholeCall || item.text.isEmpty { continue }
            close(item, status, &bytes)
        }
    }

    private mutating func close(_ item: ResponsesItem, _ status: String, _ bytes: inout [UInt8]) {
        var item = item
        var sealed: String?
        switch item.kind {
        case .reasoning:
            closeSummary(item, &bytes)
            if header.sealsThoughts || !item.signed.isEmpty {
                sealed = ResponsesReasoning.sealed(item.text, signed: item.signed)
            }
        case .message:
            current = item
            closePart(&bytes)
            item = current.take() ?? item
        case .call:
            guard closeArguments(item, &bytes) else { return }
        }
        var json = item.json(status, sealed: sealed)
        if case .call = item.kind { json["status"] = "completed" }
        output[item.place] = json
        events.append("response.output_item.done", item, ["item": .object(json)], to: &bytes)
    }

    private mutating func closeSummary(_ item: ResponsesItem, _ bytes: inout [UInt8]) {
        guard !item.text.isEmpty else { return }
        events.append(
            "response.reasoning_summary_text.done", item, ["summary_index": 0, "text": .string(item.text)], to: &bytes)
        events.append(
            "response.reasoning_summary_part.done", item, ["summary_index": 0, "part": item.summary], to: &bytes)
    }

    private var contentIndex: JSONObject { ["content_index": .integer(Int64(current?.parts.count ?? 0))] }

    private mutating func closePart(_ bytes: inout [UInt8]) {
        guard let item = current, let part = item.part else { return }
        var members = contentIndex
        switch part {
        case .text:
            members["text"] = .string(item.text)
            members["logprobs"] = .array(item.logprobs)
            events.append("response.output_text.done", item, members, to: &bytes)
        case .refusal:
            members["refusal"] = .string(item.text)
            events.append("response.refusal.done", item, members, to: &bytes)
        }
        var whole = contentIndex
        whole["part"] = item.openPart
        events.append("response.content_part.done", item, whole, to: &bytes)
        current?.parts.append(item.openPart)
        current?.part = nil
        current?.text = ""
        current?.logprobs = []
    }
}

// MARK: Pieces

extension ResponsesStreamEncoder {
    private mutating func append(text piece: String, _ logprobs: [JSONValue], to bytes: inout [UInt8]) {
        guard current?.part == .text else { return }
        current?.text += piece
        current?.logprobs += logprobs
        guard let item = current else { return }
        events.append(
            "response.output_text.delta", item, contentIndex: item.parts.count, delta: piece, logprobs, to: &bytes)
    }

    private mutating func append(_ piece: String, _ name: String, _ members: JSONObject, to bytes: inout [UInt8]) {
        current?.text += piece
        guard let item = current else { return }
        var members = members
        members["delta"] = .string(piece)
        events.append("response.\(name).delta", item, members, to: &bytes)
    }

    private mutating func append(call: JSONValue, to bytes: inout [UInt8]) {
        let function = call["function"]
        let index = call["index"]?.intValue ?? calls.count
        let arguments = Self.text(of: function?["arguments"])
        guard takes(arguments) else { return }
        if current?.kind != .call(index) {
            if calls.contains(index) {
                resume(index, arguments, &bytes)
            } else {
                open(call: call, index, &bytes)
            }
        }
        guard current?.kind == .call(index), !arguments.isEmpty else { return }
        if current?.tool.isCustom == true {
            current?.append(arguments: arguments)  // told when it is whole: until then it is JSON, and not the input
        } else {
            current?.append(arguments: arguments)
            guard let item = current else { return }
            events.append("response.function_call_arguments.delta", item, ["delta": .string(arguments)], to: &bytes)
        }
    }

    private mutating func open(call: JSONValue, _ index: Int, _ bytes: inout [UInt8]) {
        guard let name = call["function"]?["name"]?.stringValue, !name.isEmpty else {
            return fault = fault ?? "the engine's call of a tool has no name"
        }
        begin(&bytes)
        leave(&bytes)
        let tool = header.tools.tool(ofFunction: name)
        guard var item = add(.call(index), tool.isCustom ? "ctc" : "fc") else { return }
        calls.insert(index)
        item.tool = tool
        item.callID = header.call(call, item.place)
        current = item
        events.append("response.output_item.added", item, ["item": .object(item.json("in_progress"))], to: &bytes)
    }

    /// Goes on with a call that another item has come between.
    private mutating func resume(_ index: Int, _ arguments: String, _ bytes: inout [UInt8]) {
        guard let place = waiting.firstIndex(where: { $0.kind == .call(index) }) else {
            if !arguments.isEmpty { fault = fault ?? "the engine goes on with a call that was whole" }
            return
        }
        let item = waiting.remove(at: place)
        leave(&bytes)
        current = item
    }

    /// - Returns: Whether the arguments can be told.
    private mutating func closeArguments(_ item: ResponsesItem, _ bytes: inout [UInt8]) -> Bool {
        guard item.tool.isCustom else {
            guard item.isReadableCall else {
                fault = fault ?? "the engine calls the tool '\(item.tool.name)' with what is not a JSON object"
                return false
            }
            events.append(
                "response.function_call_arguments.done", item,
                ["name": .string(item.tool.name), "arguments": .string(item.arguments)], to: &bytes)
            return true
        }
        guard let input = item.input else {
            fault = fault ?? "the engine calls the tool '\(item.tool.name)' with what cannot be read"
            return false
        }
        events.append("response.custom_tool_call_input.delta", item, ["delta": .string(input)], to: &bytes)
        events.append("response.custom_tool_call_input.done", item, ["input": .string(input)], to: &bytes)
        return true
    }

    /// Engines give arguments as a piece of JSON, and a few as an object.
    private static func text(of arguments: JSONValue?) -> String {
        switch arguments {
        case .string(let piece)?: piece
        case .object?: arguments?.jsonText ?? ""
        default: ""
        }
    }
}
