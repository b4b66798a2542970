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

    /// - Parameter events: Gets what the bytes add to the answer, also what came before a failure.
    /// - Throws: ``ChatFailure`` with `invalidAnswer` for what is not a line of this dialect, and with `engineError` for an
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
    /// - Throws: ``ChatFailure`` with `interrupted` when the answer is not whole.
    package mutating func end() throws -> [ChatEvent] {
        var events: [ChatEvent] = []
        if let rest = lines.finish() { try rest.withUnsafeBufferPointer { try take($0, &events) } }
        guard isDone else { throw ChatFailure(.interrupted, "Ollama's answer ended before it was whole") }
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

/// An answer of Ollama's that is not streamed.
package struct OllamaWholeAnswer: Sendable {
    package let message: ChatDelta
    package let finish: FinishReason
    package let usage: TokenUsage

    /// - Throws: ``ChatFailure`` with `invalidAnswer` for what is none, `engineError` for an error that Ollama reports, and
    ///   `interrupted` for an answer that is not whole.
    package init(_ body: [UInt8]) throws(ChatFailure) {
        let piece = try body.withUnsafeBufferPointer { buffer throws(ChatFailure) in try OllamaPiece(buffer) }
        guard piece.isDone else { throw ChatFailure(.interrupted, "Ollama's answer ended before it was whole") }
        var reading = OllamaReading()
        message = reading.delta(piece) ?? ChatDelta()
        finish = reading.finish(piece.doneReason)
        usage = piece.usage
    }
}
