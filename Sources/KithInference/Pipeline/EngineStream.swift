// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTransport
import Synchronization

/// An engine's answer as events, read only as fast as they are taken, with all that applies to it on the way (the slot
/// it occupies, the limits it has to keep, the beginning it must not repeat).
///
/// Read by one reader, which waits for each event or, from some point on, is called. Dropping the reader, or cancelling the
/// task that waits, ends the generation.
package final class EngineStream: AsyncSequence, Sendable {
    package typealias Element = ChatEvent
    package typealias Failure = any Error

    private let reader: Mutex<Reader?>

    private init(_ reader: Reader) { self.reader = Mutex(reader) }

    /// - Parameters:
    ///   - decoder: Reads the dialect that the body is in.
    ///   - stallLimit: How long may pass between two pieces once the first token has come.
    package convenience init(body: UpstreamBody, decoder: any EngineStreamDecoding, stallLimit: Duration) {
        self.init(Reader(.body(body.makeAsyncIterator(), decoder), stallLimit: stallLimit))
    }

    /// An answer that is complete already.
    convenience init(told events: [ChatEvent]) {
        let reader = Reader(.over, stallLimit: nil)
        reader.pending = events[...]
        self.init(reader)
    }

    /// Any other stream of events.
    package convenience init(_ stream: ChatStream) {
        if let stream = stream as? EngineStream, let reader = stream.reader.withLock({ $0.take() }) {
            self.init(reader)
        } else {
            self.init(Reader(.events(stream.makeAsyncIterator()), stallLimit: nil))
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: takeReader()) }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let reader: Reader?

        package func next() async throws -> ChatEvent? { try await reader?.next() }

        package func next(isolation actor: isolated (any Actor)?) async throws -> ChatEvent? {
            try await reader?.next()
        }
    }

    // MARK: What applies to it

    /// What the code that runs the engine learns from an answer.
    enum News: Sendable {
        case firstToken
        case finished
        /// It ended before the first token.
        case ended(any Error)
        /// All of it is there; comes after the others.
        case over(TokenUsage)
        /// It broke off in the middle.
        case broke(any Error)
    }

    /// The same, holding a slot until it ends or is dropped, and saying at its end how long it held the slot.
    func holding(
        _ lease: SlotLease, since start: MonotonicInstant, clock: any TimeSource,
        onNews: @escaping @Sendable (News) -> Void
    ) -> EngineStream {
        changed { $0.occupancy = Occupancy(lease: lease, start: start, clock: clock, onNews: onNews) }
    }

    /// The same, without what the client has already.
    func checked(by check: BeginningCheck) -> EngineStream { changed { $0.check = check } }

    /// The same, broken off at a deadline.
    func until(_ watch: DeadlineWatch) -> EngineStream { changed { $0.watch = watch } }

    /// The one reader, to read on in another way than by iterating; `nil` when it was taken before.
    package func takeReader() -> Reader? { reader.withLock { $0.take() } }

    private func changed(_ change: (Reader) -> Void) -> EngineStream {
        guard let reader = takeReader() else { return self }
        change(reader)
        return EngineStream(reader)
    }

    /// The slot that an answer occupies, and since when.
    struct Occupancy: Sendable {
        var lease: SlotLease?
        var start: MonotonicInstant
        var clock: any TimeSource
        var onNews: @Sendable (News) -> Void
        /// From the start to the first token.
        var readTime: Duration?

        var hasSpoken: Bool { readTime != nil }
        var elapsed: Duration { clock.now - start }

        func note(in usage: inout TokenUsage) {
            usage.engineTime = elapsed
            usage.readTime = readTime
        }
    }
}

extension EngineStream {
    /// Reads one answer, from one place at a time.
    ///
    /// Proof of `Sendable`: only one place uses it at a time. ``EngineStream`` hands it out once, ``TokenStream`` keeps
    /// it where only one task or one event loop uses it, and after ``flow(on:to:)`` it belongs to that event loop, or
    /// to the one task that waits for events in its place.
    package final class Reader: @unchecked Sendable {
        enum Source {
            case body(UpstreamBody.AsyncIterator, any EngineStreamDecoding)
            case events(any AsyncIteratorProtocol<ChatEvent, any Error>)
            /// Everything has been read.
            case over
        }

        private var source: Source
        /// `nil` once it is in force.
        private var stallLimit: Duration?
        fileprivate var pending: ArraySlice<ChatEvent> = []
        /// Thrown once the events before it have been passed on.
        private var failure: (any Error)?
        fileprivate(set) var check = BeginningCheck.none
        fileprivate var occupancy: Occupancy?
        fileprivate var watch: DeadlineWatch?

        init(_ source: Source, stallLimit: Duration?) {
            self.source = source
            self.stallLimit = stallLimit
        }

        /// - Returns: The next event; `nil` after the one that ends the answer, and when the source ended without one.
        func next() async throws -> ChatEvent? {
            while true {
                if let event = pending.popFirst() {
                    let event = try pass(event)
                    if event.isEnd { await drain() }
                    return event
                }
                if let failure = failure.take() {
                    letGo(failure)
                    throw failure
                }
                if case .over = source {
                    letGo()
                    return nil
                }
                if let watch {
                    do {
                        try await watch.run { await self.fetch() }
                    } catch {
                        letGo(error)
                        throw error
                    }
                } else {
                    await fetch()
                }
            }
        }

        private func fetch() async {
            switch source {
            case .body(var body, var decoder):
                source = .over  // so that what is changed is not shared
                var events: [ChatEvent] = []
                do {
                    if let buffer = try await body.next(isolation: #isolation) {
                        try decoder.feed(buffer, into: &events)
                        source = .body(body, decoder)
                    } else {
                        // A cancelled wait looks like the end of the body.
                        try Task.checkCancellation()
                        events = try decoder.end()
                    }
                } catch {
                    failure = error  // and the body is dropped, which closes the connection: the engine stops
                }
                pending = events[...]
            case .events(var iterator):
                source = .over
                do {
                    guard let event = try await iterator.next(isolation: #isolation) else { return }
                    source = .events(iterator)
                    pending = [event]
                } catch {
                    failure = error
                }
            case .over: break
            }
        }

        /// What follows a whole answer does not matter, even if it is an error; but a connection whose answer was read
        /// to its end can serve the next request.
        private func drain() async {
            if case .body(var body, _) = source {
                source = .over
                do {
                    while try await body.next(isolation: #isolation) != nil {}
                } catch {
                    // The answer is whole: how the connection ends changes nothing.
                }
            }
            letGo()
        }

        /// One event on its way to the reader.
        func pass(_ event: ChatEvent) throws -> ChatEvent {
            var event = event
            if check.isOn {
                do {
                    event = try check.take(event)
                } catch {
                    letGo(error)
                    throw error
                }
            }
            if event.hasContent { sawToken() }
            guard event.isEnd else { return event }
            if let occupancy = occupancy.take() {
                event.note(occupancy)
                occupancy.onNews(occupancy.hasSpoken ? .finished : .firstToken)
                if let usage = event.usage { occupancy.onNews(.over(usage)) }
            }
            return event
        }

        private func sawToken() {
            if let speaking = occupancy, !speaking.hasSpoken {
                occupancy?.readTime = speaking.elapsed
                speaking.onNews(.firstToken)
            }
            guard stallLimit != nil else { return }
            if let limit = stallLimit.take(), case .body(let body, _) = source { body.limitStalls(to: limit) }
        }

        /// - Parameter error: What ended the answer; `nil` when it was whole, or no more of it was wanted.
        func letGo(_ error: (any Error)? = nil) {
            // A pause in the middle says nothing about first tokens.
            if let error, let occupancy { occupancy.onNews(occupancy.hasSpoken ? .broke(error) : .ended(error)) }
            occupancy = nil
            source = .over
            pending = []
        }
    }
}

extension EngineStream.Reader {
    /// Where the events of a flow come from.
    func takeBody() -> (UpstreamBody.AsyncIterator, any EngineStreamDecoding)? {
        guard watch == nil, case .body(let body, let decoder) = source else { return nil }
        source = .over
        return (body, decoder)
    }

    func takePending() throws -> ChatEvent? {
        guard let event = pending.popFirst() else {
            if let failure = failure.take() { throw failure }
            return nil
        }
        return try pass(event)
    }

    func takeStallLimit() -> Duration? { stallLimit.take() }
}

extension EngineStream {
    package static var cutOff: ChatError { ChatError(.interrupted, "the answer ended before it was whole") }
}
