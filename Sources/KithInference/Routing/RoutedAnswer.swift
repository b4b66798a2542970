// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// An answer, or its beginning, and where it comes from.
package struct RoutedAnswer: Sendable {
    package enum Body: Sendable {
        /// In the client's dialect already.
        case verbatim(VerbatimAnswer)
        case whole(WholeAnswer)
        /// The first token is there and the rest is coming.
        case stream(RoutedStream)
    }

    package var body: Body
    package var model: ModelID
    package var route: RouteReport
}

/// No answer came from anywhere; carries what was tried.
package struct DispatchFailure: Error, Sendable {
    package var failure: ChatFailure
    package var route: RouteReport
}

/// The rest of an answer whose first token has come.
///
/// For one reader: the task that asks next may change, but two never ask at once.
package final class RoutedStream: Sendable {
    /// Proof: `next()` is called by the one reader that a `RoutedStream` has, one call after the other, so the iterator is
    /// never used by two tasks at once.
    private struct State: @unchecked Sendable {
        var first: ChatEvent?
        var rest: any AsyncIteratorProtocol<ChatEvent, any Error>
    }

    private let state: Mutex<State?>
    private let attempt: Attempt

    init(first: ChatEvent, rest: any AsyncIteratorProtocol<ChatEvent, any Error>, attempt: Attempt) {
        nonisolated(unsafe) let rest = rest  // handed over: the caller does not keep it
        state = Mutex(State(first: first, rest: rest))
        self.attempt = attempt
    }

    /// - Returns: The next event; `nil` after the end.
    /// - Throws: ``ChatFailure`` when the answer breaks off; `CancellationError`.
    package func next() async throws -> ChatEvent? {
        guard var current = state.withLock({ $0.take() }) else { return nil }
        do {
            let event: ChatEvent?
            if let first = current.first {
                current.first = nil
                event = first
            } else {
                event = try await current.rest.next(isolation: #isolation)
            }
            switch event {
            case .finished: attempt.succeeded()
            case nil: throw ChatFailure(.interrupted, "the answer ended before it was whole")
            case .delta, .waiting: state.withLock { [current] in $0 = current }
            }
            return event
        } catch {
            attempt.ended(with: error)
            throw error
        }
    }
}
