// SPDX-License-Identifier: Apache-2.0

import KithModel

/// An item of an answer that is being made.
struct ResponsesItem: Sendable {
    enum Kind: Hashable, Sendable {
        case reasoning
        case message
        /// The call with this index in OpenAI's streaming form.
        case call(Int)
    }

    /// A part of a message.
    enum Part: Hashable, Sendable { case text, refusal }

    let kind: Kind
    let id: String
    /// Its place in the output.
    let place: Int
    /// What has come of the thoughts, of the part of a message that is open, or of a call's arguments.
    var text = ""
    /// Of the thoughts, Anthropic's blocks with their signatures.
    var signed: [JSONValue] = []
    /// Of that part.
    var logprobs: [JSONValue] = []
    var part: Part?
    /// The message's parts that are whole.
    var parts: [JSONValue] = []
    var tool = ResponsesTools.Tool(name: "")
    var callID = ""

    init(_ kind: Kind, id: String, place: Int) {
        self.kind = kind
        self.id = id
        self.place = place
    }

    /// The call's arguments, as far as they are an object.
    private var object = JSONObjectText(limit: ResponsesStreamEncoder.limit)

    /// Adds a piece of the call's arguments.
    mutating func append(arguments piece: String) {
        text += piece
        object.append(piece)
    }

    /// Whether the call's arguments are a whole object. Before the end of the answer nothing else is known to be whole.
    var isWholeCall: Bool { object.isObject }

    /// Whether programs can read the arguments of the call of a function; engines give nothing for none.
    var isReadableCall: Bool { object.isEmpty || object.isObject }

    /// The arguments as clients read them; engines give nothing for none.
    var arguments: String { text.allSatisfy(\.isWhitespace) ? "{}" : text }

    /// The text for a custom tool, which engines are told to put in an object.
    ///
    /// - Returns: `nil` for what is broken. An engine that wrote a text instead of an object is taken at its word.
    var input: String? {
        guard let value = JSONValue(json: text) else {
            let begin = text.first { !$0.isWhitespace }
            return begin == "{" || begin == "\"" ? nil : text
        }
        switch value {
        case .string(let input): return input
        case .object(let members):
            if let input = members["input"]?.stringValue { return input }
            guard members.count == 1, let only = members.values.first?.stringValue else { return text }
            return only
        default: return text
        }
    }

    /// The item as a client gets it.
    ///
    /// - Parameters:
    ///   - status: `in_progress`, `completed` or `incomplete`.
    ///   - sealed: The thoughts in the form in which they come back; `nil` for a client that did not ask.
    func json(_ status: String, sealed: String? = nil) -> JSONObject {
        switch kind {
        case .reasoning:
            var item: JSONObject = ["id": .string(id), "type": "reasoning", "summary": []]
            if status != "in_progress", !text.isEmpty { item["summary"] = [summary] }
            item["encrypted_content"] = sealed.map { .string($0) }
            return item
        case .message:
            return [
                "id": .string(id), "type": "message", "status": .string(status), "role": "assistant",
                "content": .array(parts),
            ]
        case .call:
            let isDone = status != "in_progress"
            var item: JSONObject = [
                "id": .string(id), "type": tool.isCustom ? "custom_tool_call" : "function_call",
                "status": .string(status), "call_id": .string(callID), "name": .string(tool.name),
            ]
            item["namespace"] = tool.namespace.map { .string($0) }
            if tool.isCustom {
                item["input"] = .string(isDone ? input ?? "" : "")
            } else {
                item["arguments"] = .string(isDone ? arguments : "")
            }
            return item
        }
    }

    /// The thoughts, of which there is no other summary.
    var summary: JSONValue { ["type": "summary_text", "text": .string(text)] }

    /// The open part with what has come of it.
    var openPart: JSONValue {
        switch part {
        case .refusal: ["type": "refusal", "refusal": .string(text)]
        case .text, nil:
            [
                "type": "output_text", "text": .string(text), "annotations": [], "logprobs": .array(logprobs),
            ]
        }
    }
}
