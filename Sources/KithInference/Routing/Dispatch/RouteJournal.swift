// SPDX-License-Identifier: Apache-2.0

package import KithModel
import KithTracing
import Logging
import Synchronization

/// One request and what became of it; holds nothing of what was said.
package struct RouteRecord: Sendable {
    package enum Outcome: Hashable, Sendable {
        case completed
        case failed(ChatError.Code)
        /// The client left before the end.
        case abandoned
    }

    /// Another engine continued the answer.
    package struct Continuation: Hashable, Sendable {
        package var candidate: Candidate
        /// Why the engine before it broke off.
        package var failure: ChatError.Code
        /// Tokens that the client had by then.
        package var tokens: Int
        /// From the last token of the one to the first of the other.
        package var gap: Duration

        package init(candidate: Candidate, failure: ChatError.Code, tokens: Int, gap: Duration) {
            self.candidate = candidate
            self.failure = failure
            self.tokens = tokens
            self.gap = gap
        }
    }

    package var id: RequestID
    package var at: WallTime
    /// The requested model; `nil` for any.
    package var asked: ModelID?
    package var route: RouteReport
    package var continuations: [Continuation]
    package var outcome: Outcome
    /// From the request to the first token, or to the whole answer for one in a piece.
    package var firstToken: Duration?
    package var duration: Duration
    /// `nil` where the engine did not say.
    package var usage: TokenUsage?

    package init(
        id: RequestID, at: WallTime, asked: ModelID?, route: RouteReport, continuations: [Continuation] = [],
        outcome: Outcome, firstToken: Duration? = nil, duration: Duration, usage: TokenUsage? = nil
    ) {
        self.id = id
        self.at = at
        self.asked = asked
        self.route = route
        self.continuations = continuations
        self.outcome = outcome
        self.firstToken = firstToken
        self.duration = duration
        self.usage = usage
    }
}

/// A candidate that was asked just now.
package struct RouteStart: Sendable {
    package let id: RequestID
    package let candidate: Candidate
    /// Whether it is to go on with an answer that broke off.
    package let continues: Bool
}

/// The last requests that were placed and what became of them, in memory and bounded.
package final class RouteJournal: Sendable {
    package static let capacity = 256

    private struct Ring {
        var records: [RouteRecord] = []
        var next = 0
    }

    private let ring = Mutex(Ring())
    private let onNote = CallbackList<RouteRecord>()
    private let onStart = Callback<RouteStart>()

    package init() {}

    /// - Parameter onNote: Called for each request from now on, after those that were given before, by the task that ends it;
    ///   must not wait.
    package func whenNoted(_ onNote: @escaping @Sendable (RouteRecord) -> Void) {
        self.onNote.add(onNote)
    }

    /// - Parameter onStart: Called for each candidate that is asked to answer from now on, by the task that asks it; must not
    ///   wait.
    package func whenStarted(_ onStart: @escaping @Sendable (RouteStart) -> Void) {
        self.onStart.set(onStart)
    }

    func started(_ id: RequestID, with candidate: Candidate, continues: Bool) {
        onStart(RouteStart(id: id, candidate: candidate, continues: continues))
    }

    package func note(_ record: RouteRecord) {
        ring.withLock { ring in
            if ring.records.count < Self.capacity {
                ring.records.append(record)
            } else {
                ring.records[ring.next] = record
                ring.next = (ring.next + 1) % Self.capacity
            }
        }
        onNote(record)
    }

    /// The newest first.
    package func recent(_ count: Int = RouteJournal.capacity) -> [RouteRecord] {
        ring.withLock { ring in
            let inOrder = ring.records[ring.next...] + ring.records[..<ring.next]
            return Array(inOrder.reversed().prefix(max(0, count)))
        }
    }
}

/// Follows one request to its end and notes that in the journal, exactly once. Dropped before that, it notes that the
/// client has gone.
final class RequestAccount: Sendable {
    private struct State {
        var route = RouteReport()
        var continuations: [RouteRecord.Continuation] = []
        var firstToken: MonotonicInstant?
        var isClosed = false
        /// The last one that was asked to answer.
        var asked: Candidate?
        /// What an engine counted of an answer that is passed on as it is.
        var cost: EngineCost?
    }

    /// Where what is done for the request belongs in its trace.
    let trace: TracePosition
    private let id: RequestID
    private let asked: ModelID?
    private let at = WallTime.now()
    private let began: MonotonicInstant
    private let clock: any TimeSource
    private let journal: RouteJournal
    /// Kept for as long as the answer takes.
    private let visit: (any Sendable)?
    private let logger: Logger?
    private let state = Mutex(State())
    /// On whom the tokens are counted.
    private let claim: UsageClaim?
    /// Tokens of the prompt, roughly, for answers of which the engine's count does not come.
    private let promptTokens: Int
    private let toldTokens = Atomic(0)

    /// - Parameter promptTokens: Of the prompt, roughly.
    init(
        _ request: ChatRequest, promptTokens: Int, clock: any TimeSource, journal: RouteJournal,
        presence: (any UserPresence)?, tracer: NodeTracer?, logger: Logger?
    ) {
        trace = tracer?.begin(request) ?? request.trace
        self.logger = logger
        id = request.id
        claim = request.claim
        self.promptTokens = promptTokens
        asked = request.model
        began = clock.now
        self.clock = clock
        self.journal = journal
        visit = request.occasion == nil ? presence?.begin() : nil
    }

    deinit { close(.abandoned) }

    var continuations: [RouteRecord.Continuation] { state.withLock(\.continuations) }

    func asked(_ candidate: Candidate) { state.withLock { $0.asked = candidate } }

    func counted(_ cost: EngineCost) { state.withLock { $0.cost = cost } }

    /// The client is told so many tokens more.
    func told(_ tokens: Int) { if claim != nil { toldTokens.add(tokens, ordering: .relaxed) } }

    func placed(_ route: RouteReport) {
        state.withLock { state in
            state.route = route
            if state.firstToken == nil { state.firstToken = clock.now }
        }
    }

    /// No node could begin.
    func refused(_ failure: DispatchError) {
        state.withLock { $0.route = failure.route }
        ended(with: failure.failure)
    }

    func resumed(_ continuation: RouteRecord.Continuation) {
        state.withLock { $0.continuations.append(continuation) }
    }

    func ended(with error: any Error) {
        guard let failure = error as? ChatError, failure.code != .cancelled else { return close(.abandoned) }
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
        guard let record else { return }
        settle(record)
        let route = record.route
        trace.end(
            SpanOutcome(record.outcome),
            SpanDetail(
                node: route.candidate?.name, model: route.candidate?.model, reason: route.reason?.description,
                usage: usage), at: began + record.duration)
        logger?.debug("request ended", metadata: record.metadata)
        journal.note(record)
    }
}

extension RequestAccount {
    /// What an engine did counts also when its answer broke off or its client left: by its own count where that came, else
    /// by the prompt's length and what the client was told.
    private func settle(_ record: RouteRecord) {
        guard let claim else { return }
        let (asked, cost) = state.withLock { ($0.asked, $0.cost) }
        guard let candidate = record.continuations.last?.candidate ?? record.route.candidate ?? asked else {
            return claim.settle(nil)
        }
        let told = toldTokens.load(ordering: .relaxed)
        var use = RequestUse(model: candidate.model, node: candidate.name)
        if let usage = record.usage {
            // An engine that does not count says zero.
            use.promptTokens = usage.promptTokens > 0 ? usage.promptTokens : promptTokens
            use.answerTokens = max(told, usage.completionTokens)
        } else if let cost {
            (use.promptTokens, use.answerTokens) = (cost.promptTokens ?? promptTokens, cost.answerTokens ?? told)
        } else {
            // Whoever gives up too early has had an engine read the prompt.
            if case .failed(let code) = record.outcome, code != .deadlineExceeded, told == 0 {
                return claim.settle(use)
            }
            (use.promptTokens, use.answerTokens) = (promptTokens, told)
        }
        claim.settle(use)
    }
}

extension SpanOutcome {
    init(_ outcome: RouteRecord.Outcome) {
        switch outcome {
        case .completed: self = .completed
        case .failed(let code): self = .failed(code)
        case .abandoned: self = .abandoned
        }
    }
}

extension RouteRecord {
    /// For the log: what became of it and where, nothing of what was said.
    fileprivate var metadata: Logger.Metadata {
        [
            "request": "\(id)", "outcome": "\(outcome)", "route": "\(route.headerValue)",
            "milliseconds": "\(duration.milliseconds)",
        ]
    }
}

extension NodeTracer {
    /// Begins the trace of a request that has come to this node.
    func begin(_ request: ChatRequest) -> TracePosition {
        begin(
            .request, TracedOperation(request.kind), request: request.id, path: request.path, model: request.model,
            from: request.trace.context)
    }
}

extension TracedOperation {
    package init(_ kind: ChatRequest.Kind) {
        switch kind {
        case .chat: self = .chat
        case .completion: self = .textCompletion
        }
    }
}
