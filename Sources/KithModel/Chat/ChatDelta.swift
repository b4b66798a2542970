// SPDX-License-Identifier: Apache-2.0

/// One piece of an answer; at least one field is set.
package struct ChatDelta: Hashable, Sendable {
    package var text: String
    /// Thoughts that some models give apart from the answer.
    package var reasoning: String?
    /// Why the model does not answer, in its own words.
    package var refusal: String?
    /// Tool calls in OpenAI's streaming form, each with its `index`.
    package var toolCalls: JSONValue?
    /// What else the engine said in this piece: `annotations`, `audio`, `function_call`.
    package var extra: JSONObject
    /// What it said about the choice besides the piece: `logprobs`.
    package var choiceExtra: JSONObject

    package init(
        text: String = "", reasoning: String? = nil, refusal: String? = nil, toolCalls: JSONValue? = nil,
        extra: JSONObject = [:], choiceExtra: JSONObject = [:]
    ) {
        self.text = text
        self.reasoning = reasoning
        self.refusal = refusal
        self.toolCalls = toolCalls
        self.extra = extra
        self.choiceExtra = choiceExtra
    }

    /// Whether it holds text and nothing else.
    package var isOnlyText: Bool {
        reasoning == nil && refusal == nil && toolCalls == nil && extra.isEmpty && choiceExtra.isEmpty
    }

    package var isEmpty: Bool {
        text.isEmpty && reasoning == nil && refusal == nil && toolCalls == nil && extra.isEmpty && choiceExtra.isEmpty
    }

    /// About how many bytes it takes.
    package var weight: Int {
        text.utf8.count + (reasoning?.utf8.count ?? 0) + (refusal?.utf8.count ?? 0) + (toolCalls?.weight ?? 0)
            + JSONValue.object(extra).weight + JSONValue.object(choiceExtra).weight
    }
}

extension ChatDelta: Codable {
    private enum CodingKeys: String, CodingKey { case text, reasoning, refusal, toolCalls, extra, choiceExtra }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        text = try container.decode(String.self, forKey: .text)
        reasoning = try container.decodeIfPresent(String.self, forKey: .reasoning)
        refusal = try container.decodeIfPresent(String.self, forKey: .refusal)
        toolCalls = try container.decodeIfPresent(JSONValue.self, forKey: .toolCalls)
        extra = try container.decodeIfPresent(JSONObject.self, forKey: .extra) ?? [:]
        choiceExtra = try container.decodeIfPresent(JSONObject.self, forKey: .choiceExtra) ?? [:]
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(text, forKey: .text)
        try container.encodeIfPresent(reasoning, forKey: .reasoning)
        try container.encodeIfPresent(refusal, forKey: .refusal)
        try container.encodeIfPresent(toolCalls, forKey: .toolCalls)
        if !extra.isEmpty { try container.encode(extra, forKey: .extra) }
        if !choiceExtra.isEmpty { try container.encode(choiceExtra, forKey: .choiceExtra) }
    }
}

/// Puts the pieces of an answer together, in linear time.
package struct DeltaJoiner: Sendable {
    private let limit: Int
    private var message = ChatDelta()
    private var toolCalls = ToolCallJoiner()
    private var size = 0

    /// - Parameter limit: Bytes that all pieces may have together: text, thoughts, arguments of tool calls, and the rest.
    package init(limit: Int) { self.limit = limit }

    /// - Returns: `false` when the answer would grow over the limit; nothing of the piece is kept then.
    package mutating func add(_ delta: ChatDelta) -> Bool {
        let weight = delta.weight
        guard size + weight <= limit else { return false }
        size += weight
        message.text += delta.text
        if let reasoning = delta.reasoning { Self.append(reasoning, to: &message.reasoning) }
        if let refusal = delta.refusal { Self.append(refusal, to: &message.refusal) }
        for call in delta.toolCalls?.arrayValue ?? [] { toolCalls.add(call) }
        message.extra.join(delta.extra)
        message.choiceExtra.join(delta.choiceExtra)
        return true
    }

    private static func append(_ piece: String, to text: inout String?) {
        if text == nil { text = piece } else { text?.append(piece) }
    }

    /// What has been put together; tool calls are whole, and without their `index`.
    package var joined: ChatDelta {
        var joined = message
        joined.toolCalls = toolCalls.isEmpty ? nil : .array(toolCalls.calls)
        return joined
    }
}

/// Puts the pieces of tool calls together: they name their place by `index`, and their arguments are joined.
package struct ToolCallJoiner: Sendable {
    private static let limit = 1_024

    private var order: [Int] = []
    private var byIndex: [Int: JSONObject] = [:]

    package init() {}

    package var isEmpty: Bool { order.isEmpty }

    /// What the calls are called by, in the order in which they began.
    package var indexes: [Int] { order }

    /// The calls in the order in which they began, without their `index`.
    package var calls: [JSONValue] { order.compactMap { byIndex[$0].map { .object($0) } } }

    /// Adds a piece. Ignores what is not a piece of a call, and calls beyond the limit.
    package mutating func add(_ piece: JSONValue) {
        guard case .object(var piece) = piece else { return }
        let index = piece.removeValue(forKey: "index")?.intValue ?? order.count
        if byIndex[index] == nil {
            guard order.count < Self.limit else { return }
            order.append(index)
        }
        byIndex[index, default: [:]].join(piece)
    }
}

extension JSONObject {
    /// Adds the next piece of an object that comes in pieces.
    fileprivate mutating func join(_ piece: JSONObject) {
        for (key, new) in piece {
            guard var value = self[key] else {
                self[key] = new
                continue
            }
            self[key] = .null  // so that the value is not copied to be changed
            value.join(new, isText: Self.growing.contains(key))
            self[key] = value
        }
    }

    /// Members whose text comes in pieces; for others the last value counts.
    private static let growing: Set = [
        "arguments", "content", "data", "refusal", "reasoning", "reasoning_content", "summary", "text", "thinking",
        "transcript",
    ]
}

extension JSONValue {
    fileprivate mutating func join(_ piece: JSONValue, isText: Bool) {
        // What is changed is taken out first, so that it is not copied.
        switch piece {
        case .null: break
        case .string(let more):
            guard case .string(var text) = self else { return self = piece }
            if !isText {
                if !more.isEmpty { self = piece }
                return
            }
            self = .null
            text += more
            self = .string(text)
        case .array(let more):
            guard case .array(var elements) = self else { return self = piece }
            self = .null
            elements += more
            self = .array(elements)
        case .object(let more):
            guard case .object(var members) = self else { return self = piece }
            self = .null
            members.join(more)
            self = .object(members)
        default: self = piece
        }
    }

    /// About how many bytes it takes.
    fileprivate var weight: Int {
        switch self {
        case .null, .bool, .integer, .number: 8
        case .numeral(let numeral): numeral.text.utf8.count
        case .string(let text): text.utf8.count + 8
        case .array(let elements): elements.reduce(8) { $0 + $1.weight }
        case .object(let members): members.reduce(0) { $0 + $1.key.utf8.count + $1.value.weight }
        }
    }
}
