// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// A stream that has begun: its first event is there, and the rest is pulled by one reader.
///
/// The reader may change tasks between two calls, but never asks twice at once.
package final class StartedStream: Sendable {
    /// Proof: the iterator is taken out of the lock for each `next()` and put back after it, so that it is never used by
    /// two tasks at once; a second call meanwhile finds nothing and reports the end.
    private struct State: @unchecked Sendable {
        var first: ChatEvent?
        var rest: any AsyncIteratorProtocol<ChatEvent, any Error>
    }

    private let state: Mutex<State?>

    private init(_ state: State) { self.state = Mutex(state) }

    /// Waits for the first event.
    ///
    /// - Parameter isWorthShowing: Events before the first that it accepts are dropped.
    /// - Throws: What the stream throws, and ``ChatFailure`` with `interrupted` when it ends without an event.
    package static func begin(
        _ stream: ChatStream, from isWorthShowing: (ChatEvent) -> Bool = { _ in true }
    ) async throws -> StartedStream {
        var iterator = stream.makeAsyncIterator()
        while let event = try await iterator.next(isolation: #isolation) {
            if isWorthShowing(event) { return StartedStream(State(first: event, rest: iterator)) }
        }
        throw Self.cutOff
    }

    /// - Returns: The next event; `nil` after ``ChatEvent/finished(_:_:)``.
    /// - Throws: What the stream throws, and ``ChatFailure`` with `interrupted` when it ends before it is finished.
    package func next() async throws -> ChatEvent? {
        guard var current = state.withLock({ $0.take() }) else { return nil }
        if let first = current.first {
            current.first = nil
            return putBack(current, after: first)
        }
        guard let event = try await current.rest.next(isolation: #isolation) else { throw Self.cutOff }
        return putBack(current, after: event)
    }

    private func putBack(_ current: State, after event: ChatEvent) -> ChatEvent {
        if case .finished = event { return event }
        state.withLock { $0 = current }
        return event
    }

    private static var cutOff: ChatFailure { ChatFailure(.interrupted, "the answer ended before it was whole") }
}
