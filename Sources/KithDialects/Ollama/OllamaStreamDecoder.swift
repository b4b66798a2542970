// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Reads the lines of an engine that speaks Ollama's API, of `/api/chat` and `/api/generate` alike.
///
/// A value: lines in, what they mean out.
package struct OllamaStreamDecoder: Sendable {
    private var lines = LineDecoder()
    private var reading = OllamaReading()
    private var isDone = false

    package init() {}

    /// - Parameter events: Receives what the bytes add to the answer, including what came before a failure.
    /// - Throws: `ChatError` with `invalidAnswer` for what is not a line of this dialect, and with `engineError` for an
    ///   error that Ollama reports in the stream.
    package mutating func feed(_ bytes: some Collection<UInt8>, into events: inout [ChatEvent]) throws {
        // Taken out, so that it and the rest can change at the same time.
        var lines = LineDecoder()
        swap(&lines, &self.lines)
        defer { self.lines = lines }
        try lines.feed(bytes) { try take($0, &events) }
    }

    /// Call when the body has ended.
    ///
    /// - Throws: `ChatError` with `interrupted` when the answer is not whole.
    package mutating func end() throws -> [ChatEvent] {
        var events: [ChatEvent] = []
        if let rest = lines.finish() { try rest.withUnsafeBufferPointer { try take($0, &events) } }
        guard isDone else { throw ChatError(.interrupted, "Ollama's answer ended before it was whole") }
        return events
    }

    private mutating func take(_ line: UnsafeBufferPointer<UInt8>, _ events: inout [ChatEvent]) throws {
        guard !isDone, !line.allSatisfy({ $0 == UInt8(ascii: " ") }) else { return }
        let piece = try OllamaPiece(line)
        if let delta = reading.delta(piece) { events.append(.delta(delta)) }
        if piece.isDone {
            isDone = true
            events.append(.finished(reading.finish(piece.doneReason), piece.usage))
        }
    }
}

/// Reads answers of Ollama's that are not streamed.
package enum OllamaWholeAnswer {
    /// Some servers that speak Ollama's API stream whatever was asked for: their lines are read as well.
    ///
    /// - Throws: `ChatError` with `invalidAnswer` for what is not one, `engineError` for an error that Ollama reports,
    ///   and `interrupted` for an answer that is not whole.
    package static func events(in body: [UInt8]) throws -> [ChatEvent] {
        let piece = Result { () throws(ChatError) in try Self.events(inOnePiece: body) }
        guard case .failure(let failure) = piece, failure.code == .invalidAnswer else { return try piece.get() }
        var decoder = OllamaStreamDecoder()
        var found: [ChatEvent] = []
        try decoder.feed(body, into: &found)
        return found + (try decoder.end())
    }

    private static func events(inOnePiece body: [UInt8]) throws(ChatError) -> [ChatEvent] {
        let piece = try body.withUnsafeBufferPointer { buffer throws(ChatError) in try OllamaPiece(buffer) }
        guard piece.isDone else { throw ChatError(.interrupted, "Ollama's answer ended before it was whole") }
        var reading = OllamaReading()
        let message = reading.delta(piece)
        let end = ChatEvent.finished(reading.finish(piece.doneReason), piece.usage)
        return message.map { [.delta($0), end] } ?? [end]
    }
}

/// One line of an answer of `/api/chat` or `/api/generate`, or all of one that is not streamed.
struct OllamaPiece {
    private(set) var text = ""
    private(set) var thinking: String?
    private(set) var toolCalls: [JSONValue] = []
    private(set) var logprobs: JSONValue?
    private(set) var isDone = false
    private(set) var doneReason: String?
    private(set) var promptTokens = 0
    private(set) var completionTokens = 0

    /// - Throws: `ChatError` with `invalidAnswer` for what is not of this dialect, and `engineError` for an error.
    init(_ bytes: UnsafeBufferPointer<UInt8>) throws(ChatError) {
        var failure: EngineComplaint?
        do {
            var scanner = JSONScanner(bytes)
            try scanner.enterObject()
            while let key = try scanner.nextKey() {
                if scanner.matches(key, "error") {
                    let error = try scanner.value()
                    failure = EngineComplaint(["error": error])
                } else {
                    try read(key, &scanner)
                }
            }
            try scanner.end()
        } catch {
            // Text that is not UTF-8 is no reason to fail.
            let mended = Array(String(decoding: bytes, as: UTF8.self).utf8)
            guard error.kind == .invalidUTF8, !mended.elementsEqual(bytes) else {
                throw ChatError(.invalidAnswer, "Ollama's answer holds what is not a line of its dialect")
            }
            self = try mended.withUnsafeBufferPointer { buffer throws(ChatError) in try OllamaPiece(buffer) }
            return
        }
        if var failure = failure?.failure() {
            failure.message = failure.message.replacing(
                "the engine reports", with: "Ollama reports", maxReplacements: 1)
            throw failure
        }
    }

    var usage: TokenUsage { TokenUsage(promptTokens: promptTokens, completionTokens: completionTokens) }

    private mutating func read(
        _ key: JSONScanner.StringToken, _ scanner: inout JSONScanner
    ) throws(JSONError) {
        if scanner.matches(key, "message") {
            if scanner.takeNull() { return }
            try scanner.enterObject()
            while let key = try scanner.nextKey() { try readMessage(key, &scanner) }
        } else if scanner.matches(key, "response") {
            text = try Self.text(&scanner) ?? ""
        } else if scanner.matches(key, "thinking") {
            thinking = try Self.text(&scanner) ?? thinking
        } else if scanner.matches(key, "done") {
            isDone = scanner.takeNull() ? false : try scanner.bool()
        } else if scanner.matches(key, "done_reason") {
            doneReason = try Self.text(&scanner)
        } else if scanner.matches(key, "prompt_eval_count") {
            promptTokens = TokenUsage.count(try scanner.value())
        } else if scanner.matches(key, "eval_count") {
            completionTokens = TokenUsage.count(try scanner.value())
        } else if scanner.matches(key, "logprobs") {
            logprobs = try scanner.value()
        } else {
            try scanner.skipValue()
        }
    }

    private mutating func readMessage(
        _ key: JSONScanner.StringToken, _ scanner: inout JSONScanner
    ) throws(JSONError) {
        if scanner.matches(key, "content") {
            text = try Self.text(&scanner) ?? ""
        } else if scanner.matches(key, "thinking") {
            thinking = try Self.text(&scanner)
        } else if scanner.matches(key, "tool_calls") {
            toolCalls = try scanner.value().arrayValue ?? []
        } else {
            try scanner.skipValue()
        }
    }

    /// - Returns: `nil` for what is not text, and for empty text.
    private static func text(_ scanner: inout JSONScanner) throws(JSONError) -> String? {
        guard scanner.kind() == .string else {
            try scanner.skipValue()
            return nil
        }
        let text = try scanner.text()
        return text.isEmpty ? nil : text
    }
}

/// Puts Ollama's pieces in the neutral form.
struct OllamaReading: Sendable {
    private var toolCalls = 0

    /// - Returns: `nil` when the piece adds nothing.
    mutating func delta(_ piece: OllamaPiece) -> ChatDelta? {
        let delta = ChatDelta(
            text: piece.text, reasoning: piece.thinking,
            toolCalls: piece.toolCalls.isEmpty ? nil : .array(piece.toolCalls.map { call($0) }),
            choiceExtra: piece.logprobs.flatMap { $0.isNull ? nil : ["logprobs": ["content": $0]] } ?? [:])
        return delta.isEmpty ? nil : delta
    }

    /// Ollama's reason in OpenAI's words. `load` and `unload` mean that nothing was asked; they, and unknown words, stay
    /// as they are.
    func finish(_ reason: String?) -> FinishReason {
        switch reason {
        case "stop", nil: toolCalls > 0 ? .toolCalls : .stop
        case let reason?: FinishReason(rawValue: reason)
        }
    }

    /// Ollama sends each call in one piece, with arguments as an object and mostly without an id.
    private mutating func call(_ call: JSONValue) -> JSONValue {
        let index = toolCalls
        toolCalls += 1
        let function = call["function"]
        let id = call["id"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } ?? "call_\(RequestID.random().rawValue)"
        let arguments = function?["arguments"]
        return [
            "index": .integer(Int64(index)), "id": .string(id), "type": "function",
            "function": [
                "name": function?["name"] ?? "",
                "arguments": .string(arguments?.stringValue ?? arguments?.jsonText ?? "{}"),
            ],
        ]
    }
}
