// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// What a client is told while it is answered.
///
/// Indirect, because every function that waits for one has room for it in memory that a stream keeps.
package indirect enum RoutedEvent: Sendable {
    case event(ChatEvent)
    /// From here on another engine answers.
    case continued(RouteRecord.Continuation)
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

    /// Used by nobody but who has taken it out of ``state``, and an object, so that who waits for an event holds a reference
    /// and no copy.
    private final class State: @unchecked Sendable {
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

        init(source: Source, progress: AnswerProgress, lastToken: Moment, standby: Standby?) {
            self.source = source
            self.progress = progress
            self.lastToken = lastToken
            self.standby = standby
        }
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
        guard let state = state.withLock({ $0.take() }) else { return nil }
        do {
            let event = try await advance(state)
            let isOver = if case .event(.finished) = event { true } else { false }
            if !isOver { self.state.withLock { $0 = state } }
            return event
        } catch {
            throw ended(with: error)
        }
    }

    private func advance(_ state: State) async throws -> RoutedEvent {
        if let event = takeNext(state) { return event }
        while let source = state.source {
            do {
                guard let event = try await source.stream.next() else { break }
                return take(event, from: source, state)
            } catch {
                source.attempt.ended(with: error)
                if let end = try await handOver(after: error, by: source, state) { return end }
            }
        }
        throw brokenOff()
    }

    // What follows is kept out of the functions that wait for events: what a function ever needs, it keeps while it waits.

    @inline(never)
    private func ended(with error: any Error) -> any Error {
        if isShown { account.ended(with: error) }
        return error
    }

    @inline(never)
    private func brokenOff() -> ChatFailure { ChatFailure(.interrupted, "the answer ended before it was whole") }

    @inline(never)
    private func takeNext(_ state: State) -> RoutedEvent? { state.next.take().map { .event(take($0, state)) } }

    @inline(never)
    private func take(_ event: ChatEvent, from source: Source, _ state: State) -> RoutedEvent {
        if case .waiting = event { return .event(event) }
        guard let handover = state.handover.take() else { return .event(take(event, state)) }
        state.next = event
        let continuation = RouteRecord.Continuation(
            candidate: source.attempt.candidate, failure: handover.failure, tokens: state.progress.tokens,
            gap: dispatcher.clock.now - handover.since)
        account.resumed(continuation)
        return .continued(continuation)
    }

    private func take(_ event: ChatEvent, _ state: State) -> ChatEvent {
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
    /// - Throws: `error` when nobody can, or it is no failure of an engine.
    @inline(never)
    private func handOver(after error: any Error, by source: Source, _ state: State) async throws -> RoutedEvent? {
        guard let failure = error as? ChatFailure else { throw error }
        let candidate = source.attempt.candidate
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
