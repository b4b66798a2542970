// SPDX-License-Identifier: Apache-2.0

package import KithModel

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

/// The rest of an answer whose first token has come; tells the router how it ended.
package final class RoutedStream: Sendable {
    private let stream: StartedStream
    private let attempt: Attempt

    init(stream: StartedStream, attempt: Attempt) {
        self.stream = stream
        self.attempt = attempt
    }

    /// - Returns: The next event; `nil` after the end.
    /// - Throws: ``ChatFailure`` when the answer breaks off; `CancellationError`.
    package func next() async throws -> ChatEvent? {
        do {
            let event = try await stream.next()
            if case .finished(_, let usage) = event { attempt.succeeded(EngineCost(usage)) }
            return event
        } catch {
            attempt.ended(with: error)
            throw error
        }
    }
}
