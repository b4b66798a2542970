// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTransport
import NIOCore

/// An engine's answer as events, read only as fast as they are taken.
///
/// The end of the answer is told once the body has ended too, so that the connection can serve the next request.
struct DecodedStream<Decoder: EngineStreamDecoding>: AsyncSequence, Sendable {
    typealias Element = ChatEvent
    typealias Failure = any Error

    let body: UpstreamBody
    let decoder: Decoder
    /// How long may pass between two tokens; the first may take longer.
    let stallLimit: Duration

    struct AsyncIterator: AsyncIteratorProtocol {
        private var body: UpstreamBody.AsyncIterator?
        private var decoder: Decoder
        /// `nil` once it is in force.
        private var stallLimit: Duration?
        private var pending: ArraySlice<ChatEvent> = []
        /// Told once what came before it has been told.
        private var failure: (any Error)?

        init(body: UpstreamBody.AsyncIterator, decoder: Decoder, stallLimit: Duration) {
            self.body = body
            self.decoder = decoder
            self.stallLimit = stallLimit
        }

        mutating func next() async throws -> ChatEvent? { try await next(isolation: #isolation) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> ChatEvent? {
            while pending.isEmpty, body != nil { await fetch(isolation: actor) }
            if let event = pending.popFirst() {
                switch event {
                case .waiting: break
                case .delta: if let limit = stallLimit.take() { body?.limitStalls(to: limit) }
                case .finished: await drain(isolation: actor)
                }
                return event
            }
            guard let failure = failure.take() else { return nil }
            throw failure
        }

        private mutating func fetch(isolation actor: isolated (any Actor)?) async {
            var events: [ChatEvent] = []
            do {
                if let buffer = try await body?.next(isolation: actor) {
                    try decoder.feed(buffer.readableBytesView, into: &events)
                } else {
                    body = nil
                    // A cancelled wait looks like the end of the body.
                    try Task.checkCancellation()
                    events = try decoder.end()
                }
            } catch {
                body = nil  // closes the connection: the engine stops generating
                failure = error
            }
            pending = events[...]
        }

        /// What follows a whole answer is of no interest, also when it is an error.
        private mutating func drain(isolation actor: isolated (any Actor)?) async {
            do {
                while try await body?.next(isolation: actor) != nil {}
            } catch {
                // The answer is whole: how the connection ends changes nothing.
            }
            body = nil
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(body: body.makeAsyncIterator(), decoder: decoder, stallLimit: stallLimit)
    }
}
