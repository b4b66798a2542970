// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// Reads one dialect's stream: a value that bytes go into and events come out of.
protocol EngineStreamDecoding: Sendable {
    /// - Parameter events: Gets what the bytes add to the answer, also what came before a failure.
    /// - Throws: ``ChatFailure``.
    mutating func feed(_ bytes: some Collection<UInt8>, into events: inout [ChatEvent]) throws

    /// Called when the body has ended.
    ///
    /// - Throws: ``ChatFailure`` with `interrupted` when the answer is not whole.
    mutating func end() throws -> [ChatEvent]
}

extension OllamaStreamDecoder: EngineStreamDecoding {}

/// OpenAI's and Anthropic's streams are server-sent events.
struct EventStreamDecoder<Events: ServerSentEventReading>: EngineStreamDecoding {
    private var framing = ServerSentEventDecoder()
    private var events: Events

    init(_ events: Events) { self.events = events }

    mutating func feed(_ bytes: some Collection<UInt8>, into found: inout [ChatEvent]) throws {
        for event in try framing.feed(bytes) { found += try events.take(event) }
    }

    mutating func end() throws -> [ChatEvent] { try events.end() }
}

protocol ServerSentEventReading: Sendable {
    mutating func take(_ event: ServerSentEvent) throws -> [ChatEvent]
    mutating func end() throws -> [ChatEvent]
}

extension OpenAIStreamDecoder: ServerSentEventReading {}
extension AnthropicStreamDecoder: ServerSentEventReading {}
