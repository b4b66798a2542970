// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// Follows one request to its end and notes that in the journal, exactly once; the client has gone when it is dropped
/// before.
final class AnswerAccount: Sendable {
    private struct State {
        var route = RouteReport()
        var continuations: [RouteRecord.Continuation] = []
        var firstToken: Moment?
        var isClosed = false
    }

    private let id: RequestID
    private let asked: ModelID?
    private let at = WallTime.now()
    private let began: Moment
    private let clock: any TimeSource
    private let journal: RouteJournal
    /// Kept for as long as the answer takes.
    private let visit: (any Sendable)?
    private let state = Mutex(State())

    init(_ request: ChatRequest, clock: any TimeSource, journal: RouteJournal, presence: (any UserPresence)?) {
        id = request.id
        asked = request.model
        began = clock.now
        self.clock = clock
        self.journal = journal
        visit = request.occasion == nil ? presence?.begin() : nil
    }

    deinit { close(.abandoned) }

    var continuations: [RouteRecord.Continuation] { state.withLock(\.continuations) }

    func placed(_ route: RouteReport) {
        state.withLock { state in
            state.route = route
            if state.firstToken == nil { state.firstToken = clock.now }
        }
    }

    /// Nobody could begin.
    func refused(_ failure: DispatchFailure) {
        state.withLock { $0.route = failure.route }
        ended(with: failure.failure)
    }

    func resumed(_ continuation: RouteRecord.Continuation) {
        state.withLock { $0.continuations.append(continuation) }
    }

    func ended(with error: any Error) {
        guard let failure = error as? ChatFailure, failure.code != .cancelled else { return close(.abandoned) }
        close(.failed(failure.code))
    }

    func completed(_ usage: TokenUsage? = nil) { close(.completed, usage) }

    private func close(_ outcome: RouteRecord.Outcome, _ usage: TokenUsage? = nil) {
        let record = state.withLock { state -> RouteRecord? in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            return RouteRecord(
                id: id, at: at, asked: asked, route: state.route, continuations: state.continuations,
                outcome: outcome, firstToken: state.firstToken.map { $0 - began }, duration: clock.now - began,
                usage: usage)
        }
        if let record { journal.note(record) }
    }
}
