// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What the bytes of one read mean; raw events that follow each other become one.
struct OpenAIEventOutput {
    /// About how many bytes of events will come.
    private let capacity: Int
    private var events: [ChatEvent] = []
    private var pending = RawEvents()

    init(capacity: Int = 0) { self.capacity = capacity }

    mutating func comment(_ words: String) {
        flush()
        events.append(.comment(words))
    }

    mutating func delta(_ delta: ChatDelta) { events.append(.delta(delta)) }

    /// - Parameters:
    ///   - data: One event's JSON in one line.
    ///   - whole: The event as it is to be sent, if it already has that form.
    mutating func raw(
        _ data: UnsafeBufferPointer<UInt8>, whole: UnsafeBufferPointer<UInt8>?, _ scan: OpenAIEventScan,
        _ scanner: JSONScanner
    ) {
        append(data, whole: whole)
        if scan.usage != nil { pending.contents.insert(.usage) }
        if let first = scan.first { note(first, scanner) }
        for choice in scan.others { note(choice, scanner) }
    }

    /// An event that says a piece of the first choice's text and nothing else.
    mutating func raw(_ data: UnsafeBufferPointer<UInt8>, whole: UnsafeBufferPointer<UInt8>?, text: Range<Int>) {
        append(data, whole: whole)
        guard !text.isEmpty else { return }
        pending.tokens += 1
        pending.escapedText.append(contentsOf: UnsafeBufferPointer(rebasing: data[text]))
    }

    private mutating func append(_ data: UnsafeBufferPointer<UInt8>, whole: UnsafeBufferPointer<UInt8>?) {
        if pending.bytes.isEmpty { pending.bytes.reserveCapacity(max(capacity, data.count + 8)) }
        if let whole {
            pending.bytes.append(contentsOf: whole)
        } else {
            pending.bytes.append(contentsOf: Self.prefix)
            pending.bytes.append(contentsOf: data)
            pending.bytes.append(contentsOf: Self.suffix)
        }
    }

    /// An event that does not belong to the dialect.
    mutating func own(_ event: ChatEvent) {
        flush()
        events.append(event)
    }

    mutating func end(_ event: ChatEvent) {
        flush()
        events.append(event)
    }

    mutating func taken() -> [ChatEvent] {
        flush()
        defer { events = [] }
        return events
    }

    /// Moves what there is to the end of `all`.
    mutating func move(into all: inout [ChatEvent]) {
        flush()
        if all.isEmpty { all = events } else { all += events }
        events = []
    }

    private mutating func note(_ choice: OpenAIEventScan.Choice, _ scanner: JSONScanner) {
        let saysText = choice.text.map { !$0.isEmpty } ?? false
        if saysText || !choice.contents.isEmpty { pending.tokens += 1 }
        pending.contents.formUnion(choice.contents)
        guard choice.index == 0 else {
            pending.contents.insert(.otherChoice)
            return
        }
        if saysText, let text = choice.text { pending.escapedText.append(contentsOf: scanner.writtenBytes(text)) }
        if let finish = choice.finish { pending.finish = FinishReason(rawValue: scanner.text(finish)) }
    }

    private mutating func flush() {
        guard !pending.bytes.isEmpty else { return }
        events.append(.raw(pending))
        pending = RawEvents()
    }

    private static let prefix = Array("data: ".utf8)
    private static let suffix = Array("\n\n".utf8)
}

/// How far an answer has come.
struct OpenAIAnswerProgress: Sendable {
    /// By choice; `nil` while it has not ended.
    private var finishes: [Int: FinishReason?] = [:]
    private var counted: TokenUsage?
    private var pieces = 0

    /// Whether each choice has said why it ended.
    var isWhole: Bool { !finishes.isEmpty && finishes.values.allSatisfy { $0 != nil } }

    var finish: FinishReason? { (finishes[0] ?? nil) ?? finishes.values.lazy.compactMap { $0 }.first }

    /// For engines that do not count, each piece counts as one token.
    var usage: TokenUsage { counted ?? TokenUsage(promptTokens: 0, completionTokens: pieces) }

    /// - Parameter piece: Of the first choice's text.
    mutating func note(piece: Range<Int>) { if !piece.isEmpty { pieces += 1 } }

    /// - Throws: `ChatError` with `engineError` for a choice that ended in an error.
    mutating func note(_ scan: OpenAIEventScan, _ scanner: JSONScanner) throws {
        if let range = scan.usage, case .object(let usage)? = try? scanner.value(at: range) {
            counted = TokenUsage(openAI: usage)
        }
        if let first = scan.first { try note(first, scanner) }
        for choice in scan.others { try note(choice, scanner) }
    }

    private mutating func note(_ choice: OpenAIEventScan.Choice, _ scanner: JSONScanner) throws {
        if choice.text.map({ !$0.isEmpty }) ?? false || !choice.contents.isEmpty { pieces += 1 }
        guard let token = choice.finish else {
            if finishes[choice.index] == nil { finishes[choice.index] = .some(nil) }
            return
        }
        let word = scanner.text(token)
        guard !Self.failures.contains(word) else {
            throw ChatError(.engineError, "the engine ended its answer with '\(word)'", engineCode: word)
        }
        finishes[choice.index] = FinishReason(rawValue: word)
    }

    /// Words for an answer that is not whole.
    private static let failures: Set = ["error", "abort", "aborted", "cancelled", "canceled"]
}

/// OpenAI's choices in the neutral form, and whole answers as the events they would have been.
enum OpenAIDeltaReading {
    private static let ownDelta: Set = ["role", "content", "reasoning", "reasoning_content", "refusal", "tool_calls"]
    private static let ownChoice: Set = ["index", "delta", "message", "text", "finish_reason"]

    static func delta(_ choice: JSONValue, kind: ChatRequest.Kind) -> ChatDelta {
        let members = choice.objectValue ?? [:]
        let delta = kind == .chat ? members["delta"]?.objectValue ?? [:] : ["content": members["text"] ?? ""]
        let calls = delta["tool_calls"]?.arrayValue ?? []
        return ChatDelta(
            text: delta["content"]?.stringValue ?? "",
            reasoning: said(delta["reasoning_content"]) ?? said(delta["reasoning"]), refusal: said(delta["refusal"]),
            toolCalls: calls.isEmpty ? nil : .array(calls), extra: rest(of: delta, but: ownDelta),
            choiceExtra: rest(of: members, but: ownChoice))
    }

    /// - Parameter choices: Those of the answer.
    static func events(ofWhole answer: JSONObject, _ choices: [JSONValue], kind: ChatRequest.Kind) -> [JSONObject] {
        var base = answer
        base.removeValue(forKey: "usage")
        if kind == .chat { base["object"] = "chat.completion.chunk" }
        var events: [JSONObject] = []
        func append(_ choice: JSONObject) {
            base["choices"] = .array([.object(choice)])
            events.append(base)
        }
        for (place, choice) in choices.enumerated() {
            guard case .object(var said) = choice else { continue }
            let index = said["index"] ?? .integer(Int64(place))
            let finish = said["finish_reason"] ?? .null
            said["index"] = index
            said["finish_reason"] = .null
            if kind == .chat { said["delta"] = said.removeValue(forKey: "message") ?? [:] }
            append(said)
            if finish.isNull { continue }
            let nothing: (String, JSONValue) = kind == .chat ? ("delta", [:]) : ("text", "")
            append(JSONObject([("index", index), nothing, ("finish_reason", finish)]))
        }
        if let usage = answer["usage"]?.objectValue {
            base["choices"] = []
            base["usage"] = .object(usage)
            events.append(base)
        }
        return events
    }

    private static func said(_ value: JSONValue?) -> String? {
        guard let text = value?.stringValue, !text.isEmpty else { return nil }
        return text
    }

    private static func rest(of members: JSONObject, but own: Set<String>) -> JSONObject {
        guard members.contains(where: { !own.contains($0.key) && !$0.value.isNull }) else { return [:] }
        return members.filter { !own.contains($0.key) && !$0.value.isNull }
    }
}
