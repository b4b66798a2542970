// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Brings events that engines write in another form into the form that all clients read, and keeps what else they hold.
struct OpenAIEventMending: Sendable {
    /// What every event of an answer repeats, as far as it has been said.
    struct Header: Sendable {
        var id: String?
        var created: Int?
        var model: String?
    }

    let kind: ChatRequest.Kind
    var header = Header()
    /// What is used where the engine gives no value.
    let fallback: OpenAIAnswerHeader
    /// By choice.
    private var toolCalls: [Int: ToolCallIndexing] = [:]

    /// What each event has to repeat, because the beginning of the answer, which came from elsewhere, said it.
    let continued: OpenAIAnswerHeader?

    init(kind: ChatRequest.Kind, fallback: OpenAIAnswerHeader, continued: OpenAIAnswerHeader?) {
        self.kind = kind
        self.fallback = fallback
        self.continued = continued
    }

    /// Whether the pieces of tool calls in a choice are numbered as clients rely on; notes them when they are.
    mutating func accepts(_ pieces: [OpenAIEventScan.ToolPiece], choice: Int) throws(ChatError) -> Bool {
        if pieces.isEmpty { return true }
        var indexing = toolCalls[choice] ?? ToolCallIndexing()
        for piece in pieces {
            guard piece.index >= 0 else { return false }
            let index = try indexing.index(piece.index, id: piece.id, hasName: piece.hasName)
            guard index == piece.index else { return false }
        }
        toolCalls[choice] = indexing
        return true
    }

    /// The event in the form that clients read; `nil` when it says nothing.
    mutating func mend(_ event: JSONObject) throws(ChatError) -> JSONObject? {
        let choices = event["choices"]?.arrayValue
        let usage = event["usage"]?.objectValue
        guard choices != nil || usage != nil else { return nil }
        var mended = event
        mended["choices"] = .array(try mend(choices ?? []))
        note(event)
        if let continued {
            for (key, value) in continued.members("") where key != "object" { mended[key] = value }
        }
        if mended["model"]?.stringValue == nil {
            mended.updateFirst(.string(header.model ?? fallback.model), forKey: "model")
        }
        if mended["created"]?.intValue == nil {
            mended.updateFirst(.integer(Int64(header.created ?? fallback.created)), forKey: "created")
        }
        if mended["object"]?.stringValue == nil {
            mended.updateFirst(kind == .chat ? "chat.completion.chunk" : "text_completion", forKey: "object")
        }
        if mended["id"]?.stringValue == nil { mended.updateFirst(.string(header.id ?? fallback.id), forKey: "id") }
        return mended
    }

    private mutating func note(_ event: JSONObject) {
        if header.id == nil { header.id = event["id"]?.stringValue }
        if header.model == nil { header.model = event["model"]?.stringValue }
        if header.created == nil {
            header.created = event["created"]?.doubleValue.flatMap { Int(exactly: $0.rounded(.down)) }
        }
    }

    private mutating func mend(_ choices: [JSONValue]) throws(ChatError) -> [JSONValue] {
        var mended: [JSONValue] = []
        for (place, choice) in choices.enumerated() {
            guard case .object(var members) = choice else { continue }
            var index = place
            if let said = members["index"]?.intValue, 0..<1_024 ~= said {
                index = said
            }
            if members["index"] != .integer(Int64(index)) {
                members.updateFirst(.integer(Int64(index)), forKey: "index")
            }
            if let finish = members["finish_reason"], finish.stringValue?.isEmpty != false {
                members["finish_reason"] = .null
            }
            switch kind {
            case .chat: members["delta"] = .object(try delta(members["delta"] ?? members["message"], choice: index))
            case .completion: members["text"] = .string(Self.text(members["text"]) ?? "")
            }
            mended.append(.object(members))
        }
        return mended
    }

    private mutating func delta(_ delta: JSONValue?, choice: Int) throws(ChatError) -> JSONObject {
        guard case .object(var members)? = delta else { return [:] }
        for key in ["content", "reasoning_content", "reasoning", "refusal", "role"] {
            guard let value = members[key], !value.isNull, value.stringValue == nil else { continue }
            members[key] = Self.text(value).map { .string($0) } ?? .null
        }
        if let calls = members["tool_calls"], !calls.isNull {
            members["tool_calls"] = .array(try mend(calls: calls.arrayValue ?? [], choice: choice))
        }
        return members
    }

    private mutating func mend(calls: [JSONValue], choice: Int) throws(ChatError) -> [JSONValue] {
        var mended: [JSONValue] = []
        for call in calls {
            guard case .object(var members) = call else { continue }
            let name = members["function"]?["name"]?.stringValue
            let index = try toolCalls[choice, default: ToolCallIndexing()].index(
                members["index"]?.intValue, id: members["id"]?.stringValue, hasName: name?.isEmpty == false)
            if members["index"] == nil {
                members.updateFirst(.integer(Int64(index)), forKey: "index")
            } else {
                members["index"] = .integer(Int64(index))
            }
            if members["id"].map({ !$0.isNull && $0.stringValue == nil }) == true { members["id"] = .null }
            if case .object(var function)? = members["function"] {
                // Some engines give arguments as an object.
                if let arguments = function["arguments"], !arguments.isNull, arguments.stringValue == nil {
                    function["arguments"] = .string(arguments.jsonText ?? "")
                    members["function"] = .object(function)
                }
            }
            mended.append(.object(members))
        }
        return mended
    }

    /// The text of a value that should be text; for a list, the joined texts of its parts.
    private static func text(_ value: JSONValue?) -> String? {
        switch value {
        case .string(let text): text
        case .array(let parts):
            parts.compactMap { $0.stringValue ?? $0["text"]?.stringValue ?? $0["refusal"]?.stringValue }.joined()
        case .object: value?["text"]?.stringValue
        default: nil
        }
    }
}

/// Gives each tool call of a streamed choice its own index, even if the engine gives none, or the same to two.
struct ToolCallIndexing: Sendable {
    private static let limit = 1_024

    private struct Call {
        var index: Int
        var engineIndex: Int?
        var id: String
        var hasName: Bool
    }

    private var calls: [Call] = []

    /// The index of the call to which a piece belongs.
    ///
    /// A new call begins with an id that is not empty and not known, or with a function's name where there is one already.
    ///
    /// - Parameter engineIndex: The index that the engine gives.
    /// - Throws: `ChatError` with `invalidAnswer` for too many calls.
    mutating func index(
        _ engineIndex: Int?, id: String?, hasName: Bool
    ) throws(ChatError) -> Int {
        let id = id ?? ""
        guard let place = place(engineIndex, id), !beginsAnother(calls[place], id, hasName) else {
            return try begin(Call(index: engineIndex ?? 0, engineIndex: engineIndex, id: id, hasName: hasName))
        }
        if calls[place].id.isEmpty { calls[place].id = id }
        if hasName { calls[place].hasName = true }
        return calls[place].index
    }

    private func place(_ engineIndex: Int?, _ id: String) -> Int? {
        if let engineIndex { return calls.lastIndex { $0.engineIndex == engineIndex } }
        return id.isEmpty ? calls.indices.last : calls.lastIndex { $0.id == id } ?? calls.indices.last
    }

    private func beginsAnother(_ call: Call, _ id: String, _ hasName: Bool) -> Bool {
        if !id.isEmpty, !call.id.isEmpty { return id != call.id }
        return hasName && call.hasName
    }

    private mutating func begin(_ call: Call) throws(ChatError) -> Int {
        guard calls.count < Self.limit else {
            throw ChatError(.invalidAnswer, "the engine's answer holds too many tool calls")
        }
        var call = call
        if !(0..<Self.limit).contains(call.index) || calls.contains(where: { $0.index == call.index }) {
            call.index = (calls.map(\.index).max() ?? -1) + 1
        }
        calls.append(call)
        return call.index
    }
}
