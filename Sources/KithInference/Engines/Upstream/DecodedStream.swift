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

    struct AsyncIterator: AsyncIteratorProtocol {
        private var body: UpstreamBody.AsyncIterator?
        private var decoder: Decoder
        private var pending: ArraySlice<ChatEvent> = []

        init(body: UpstreamBody.AsyncIterator, decoder: Decoder) {
            self.body = body
            self.decoder = decoder
        }

        mutating func next() async throws -> ChatEvent? { try await next(isolation: #isolation) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> ChatEvent? {
            do {
                while pending.isEmpty, body != nil { try await fetch(isolation: actor) }
                guard let event = pending.popFirst() else { return nil }
                if case .finished = event { await drain(isolation: actor) }
                return event
            } catch {
                body = nil  // closes the connection: the engine stops generating
                throw error
            }
        }

        private mutating func fetch(isolation actor: isolated (any Actor)?) async throws {
            if let buffer = try await body?.next(isolation: actor) {
                pending = try decoder.feed(buffer.readableBytesView)[...]
            } else {
                body = nil
                // A cancelled wait looks like the end of the body.
                try Task.checkCancellation()
                pending = try decoder.end()[...]
            }
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

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: body.makeAsyncIterator(), decoder: decoder) }
}
