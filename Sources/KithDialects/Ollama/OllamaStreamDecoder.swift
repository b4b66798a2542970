// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Reads the lines of an engine that speaks Ollama's API, of `/api/chat` and `/api/generate` alike.
///
/// A value: lines in, what they mean out.
package struct OllamaStreamDecoder: Sendable {
    private var lines = LineDecoder()
    private var toolCalls = 0
    private var isDone = false

    package init() {}

    /// - Parameter events: Gets what the bytes add to the answer, also what came before a failure.
    /// - Throws: ``ChatFailure`` with `invalidAnswer` for what is not a line of this dialect, and with `engineError` for an
    ///   error that Ollama reports in the stream.
    package mutating func feed(_ bytes: some Collection<UInt8>, into events: inout [ChatEvent]) throws {
        for line in try lines.feed(bytes) { events += try take(line) }
    }

    /// Call when the body has ended.
    ///
    /// - Throws: ``ChatFailure`` with `interrupted` when the answer is not whole.
    package mutating func end() throws -> [ChatEvent] {
        let events = try lines.finish().map { try take($0) } ?? []
        guard isDone else { throw ChatFailure(.interrupted, "Ollama's answer ended before it was whole") }
        return events
    }

    private mutating func take(_ line: [UInt8]) throws -> [ChatEvent] {
        guard !isDone, !line.allSatisfy({ $0 == UInt8(ascii: " ") }) else { return [] }
        guard let piece = try? JSONBody.decode(OllamaPiece.self, from: line) else {
            throw ChatFailure(.invalidAnswer, "Ollama's stream holds what is not a line of its dialect")
        }
        if let error = piece.error { throw ChatFailure(.engineError, "Ollama reports: \(error.prefix(500))") }
        var events: [ChatEvent] = []
        if let delta = delta(piece) { events.append(.delta(delta)) }
        if piece.done == true {
            isDone = true
            events.append(.finished(finish(piece.doneReason), piece.usage))
        }
        return events
    }

    private mutating func delta(_ piece: OllamaPiece) -> ChatDelta? {
        let thinking = piece.message?.thinking ?? piece.thinking
        let delta = ChatDelta(
            text: piece.message?.content ?? piece.response ?? "",
            reasoning: thinking.flatMap { $0.isEmpty ? nil : $0 },
            toolCalls: piece.message?.toolCalls.flatMap { $0.isEmpty ? nil : .array($0.map { call($0) }) })
        return delta.text.isEmpty && delta.reasoning == nil && delta.toolCalls == nil ? nil : delta
    }

    /// Ollama gives calls whole, with arguments as an object and mostly without an id.
    private mutating func call(_ call: JSONValue) -> JSONValue {
        let index = toolCalls
        toolCalls += 1
        let function = call["function"]
        return [
            "index": .integer(Int64(index)), "id": call["id"] ?? .string("call_\(RequestID.random().rawValue)"),
            "type": "function",
            "function": [
                "name": function?["name"] ?? "", "arguments": .string(function?["arguments"]?.jsonText ?? "{}"),
            ],
        ]
    }

    private func finish(_ reason: String?) -> FinishReason {
        if reason == "length" { return .length }
        return toolCalls > 0 ? .toolCalls : .stop
    }
}

/// One line of an answer.
private struct OllamaPiece: Decodable {
    struct Message: Decodable {
        var content: String?
        var thinking: String?
        var toolCalls: [JSONValue]?

        private enum CodingKeys: String, CodingKey {
            case content, thinking
            case toolCalls = "tool_calls"
        }
    }

    var message: Message?
    var response: String?
    var thinking: String?
    var done: Bool?
    var doneReason: String?
    var promptTokens: Int?
    var completionTokens: Int?
    var error: String?

    private enum CodingKeys: String, CodingKey {
        case message, response, thinking, done, error
        case doneReason = "done_reason"
        case promptTokens = "prompt_eval_count"
        case completionTokens = "eval_count"
    }

    var usage: TokenUsage { TokenUsage(promptTokens: promptTokens ?? 0, completionTokens: completionTokens ?? 0) }
}
