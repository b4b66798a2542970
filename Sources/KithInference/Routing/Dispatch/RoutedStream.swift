// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// What a client is told while it is answered.
package enum RoutedEvent: Sendable {
    case event(ChatEvent)
    /// From here on another engine answers.
    indirect case continued(RouteRecord.Continuation)
}

/// The rest of an answer whose first token has come.
///
/// When the engine breaks off, another goes on where it was; only when none can does the stream break off too. Tells the
/// router how each fared. The reader may change tasks between two calls, but never asks twice at once.
package final class RoutedStream: Sendable {
    /// How often another engine may go on, so that an answer ends.
    package static let continuationLimit = 8

    /// Who answers now.
    struct Source: Sendable {
        var stream: StartedStream
        var attempt: Attempt
    }

    /// An engine that follows another and has not said anything yet.
    private struct Handover: Sendable {
        var failure: ChatFailure.Code
        var since: Moment
    }

    private struct State: Sendable {
        var source: Source?
        var progress: AnswerProgress
        var lastToken: Moment
        var handover: Handover?
        var continuations = 0
        /// Who was asked once more after it failed, because there was nobody else.
        var askedAgain = false
        /// Who failed since the last token.
        var failed: [RouteDecision.Skip] = []
        /// Told after what came with it.
        var next: ChatEvent?
        var standby: Standby?
    }

    private let dispatcher: Dispatcher
    private let wanted: RouteRequest
    private let account: AnswerAccount
    /// Whether the client sees the answer as it comes; otherwise whoever collects it may try once more.
    private let isShown: Bool
    private let state: Mutex<State?>

    init(
        _ source: Source, of request: ChatRequest, wanted: RouteRequest, account: AnswerAccount, dispatcher: Dispatcher
    ) {
        self.dispatcher = dispatcher
        self.wanted = wanted
        self.account = account
        isShown = request.streams
        state = Mutex(
            State(
                source: source, progress: AnswerProgress(of: request), lastToken: dispatcher.clock.now,
                standby: dispatcher.standby(for: wanted)))
    }

    /// - Returns: What comes next; `nil` after the end.
    /// - Throws: ``ChatFailure`` when the answer breaks off and nobody can go on; `CancellationError`.
    package func next() async throws -> RoutedEvent? {
        guard var state = state.withLock({ $0.take() }) else { return nil }
        do {
            let event = try await advance(&state)
            let isOver = if case .event(.finished) = event { true } else { false }
            if !isOver { self.state.withLock { $0 = state } }
            return event
        } catch {
            if isShown { account.ended(with: error) }
            throw error
        }
    }

    private func advance(_ state: inout State) async throws -> RoutedEvent {
        if let event = state.next.take() { return .event(take(event, &state)) }
        while let source = state.source {
            do {
                guard let event = try await source.stream.next() else { break }
                if case .waiting = event { return .event(event) }
                guard let handover = state.handover.take() else { return .event(take(event, &state)) }
                state.next = event
                let continuation = RouteRecord.Continuation(
                    candidate: source.attempt.candidate, failure: handover.failure, tokens: state.progress.tokens,
                    gap: dispatcher.clock.now - handover.since)
                account.resumed(continuation)
                return .continued(continuation)
            } catch {
                source.attempt.ended(with: error)
                guard let failure = error as? ChatFailure else { throw error }
                if let end = try await handOver(after: failure, by: source.attempt.candidate, &state) { return end }
            }
        }
        throw ChatFailure(.interrupted, "the answer ended before it was whole")
    }

    private func take(_ event: ChatEvent, _ state: inout State) -> ChatEvent {
        state.lastToken = dispatcher.clock.now
        state.failed = []
        let shown = state.progress.take(event)
        if case .delta = event, let candidate = state.source?.attempt.candidate {
            state.standby?.advance(state.progress, givenBy: candidate)
        }
        if case .finished(_, let usage) = event { state.source?.attempt.succeeded(EngineCost(usage)) }
        if isShown, case .finished(_, let usage) = shown { account.completed(usage) }
        return shown
    }

    /// Has another engine go on.
    ///
    /// - Returns: The end, when nothing but that was missing.
    /// - Throws: `failure` when nobody can.
    private func handOver(
        after failure: ChatFailure, by candidate: Candidate, _ state: inout State
    ) async throws -> RoutedEvent? {
        state.source = nil
        state.failed.append(.init(node: candidate.node, reason: .failed(failure.code)))
        state.standby?.stop()
        guard state.continuations < Self.continuationLimit else { throw failure }
        switch state.progress.handOver() {
        case .impossible(let why):
            var failure = failure
            failure.message += "; \(why)"
            throw failure
        case .nothing(let finish, let usage):
            if isShown { account.completed(usage) }
            return .event(.finished(finish, usage))
        case .ask(let rest):
            state.continuations += 1
            let source = try await dispatcher.resume(
                rest, as: wanted, begunBy: candidate, without: state.failed, after: failure,
                mayAskAgain: !state.askedAgain, preferring: state.standby?.node)
            state.askedAgain = state.askedAgain || source.attempt.candidate.node == candidate.node
            state.source = source
            state.standby = dispatcher.standby(for: wanted)
            state.handover = state.handover ?? Handover(failure: failure.code, since: state.lastToken)
            return nil
        }
    }
}
