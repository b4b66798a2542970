// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTracing
package import Logging
import Synchronization

/// Sends each request where the router says, and elsewhere when that fails before the client has seen anything: the one
/// retry loop, in the node that the client asked.
package final class Dispatcher: Sendable {
    /// Nodes tried after the first.
    package static let alternateLimit = 2
    /// Events without a token that are kept back at the beginning of an answer.
    private static let openingLimit = 64

    /// The last requests and what became of them.
    package let journal = RouteJournal()
    let clock: any TimeSource
    let mesh: any Mesh
    private let router: Mutex<Router>
    private let stallLimit: StallLimit
    private let patience: Duration
    /// The requests that wait for room, because every queue is full.
    private let waiting = Mutex(WaitingRoom())
    let continues: Bool
    let keepsStandby: Bool
    let presence: (any UserPresence)?
    let tracer: NodeTracer?
    private let logger: Logger?
    /// What may be asked for besides models.
    package let aliases: ModelAliases

    /// - Parameters:
    ///   - stallLimit: How long a kin may take between two tokens.
    ///   - patience: How long a request waits for room while every queue is full.
    ///   - continues: Whether another node continues an answer that breaks off.
    ///   - keepsStandby: Whether that other node reads the answer while it is given.
    ///   - presence: Notified of every answer that a user waits for.
    ///   - tracer: Records the trace of each request.
    ///   - logger: Told of the end of each request, at the level `debug`.
    package init(
        mesh: any Mesh, clock: any TimeSource, router: sending Router = Router(),
        stallLimit: StallLimit = StallLimit(), patience: Duration = QueueWait.ordinary, continues: Bool = true,
        keepsStandby: Bool = false, presence: (any UserPresence)? = nil, tracer: NodeTracer? = nil,
        logger: Logger? = nil
    ) {
        self.mesh = mesh
        self.clock = clock
        self.stallLimit = stallLimit
        self.patience = patience
        self.continues = continues
        self.keepsStandby = keepsStandby && continues
        self.presence = presence
        self.tracer = tracer
        self.logger = logger
        aliases = router.aliases
        self.router = Mutex(router)
    }

    /// Answers from the best node.
    ///
    /// Returns when the first token is there, or the whole answer for a request that does not stream.
    ///
    /// - Throws: ``DispatchError`` when no node could begin; `CancellationError`.
    package func dispatch(_ request: ChatRequest, pin: NodeName? = nil) async throws -> RoutedAnswer {
        let wanted = RouteRequest(request, pin: named(pin))
        let account = RequestAccount(
            request, promptTokens: wanted.tokens, clock: clock, journal: journal, presence: presence, tracer: tracer,
            logger: logger)
        var request = request
        request.claim = nil  // it is the account's
        request.trace = account.trace
        request.mayContinue = request.mayContinue && continues
        do {
            var (body, route) = try await tryCandidates(
                wanted, id: request.ticket, trace: request.trace, deadline: request.deadline, notice: request.notice
            ) { backend, attempt in
                try await begin(request, wanted, with: backend, attempt, account)
            }
            if case .whole = body { route.continuedOn = account.continuations.map(\.candidate.name) }
            account.placed(route)
            switch body {
            case .verbatim: account.completed()
            case .whole(let whole): account.completed(whole.usage)
            case .stream: break
            }
            let model = route.candidate?.model ?? request.model ?? ModelID("")
            return RoutedAnswer(body: body, model: model, route: route)
        } catch let failure as DispatchError {
            account.refused(failure)
            throw failure
        }
    }

    /// Waits for what the client may be shown: the first token of a stream, all of an answer in one piece.
    private func begin(
        _ request: ChatRequest, _ wanted: RouteRequest, with backend: any Answering, _ attempt: Attempt,
        _ account: RequestAccount
    ) async throws -> RoutedAnswer.Body {
        journal.started(request.id, with: attempt.candidate, continues: false)
        account.asked(attempt.candidate)
        switch try await backend.until(request.deadline, clock: clock).answer(routed(request, to: attempt)) {
        case .verbatim(let whole):
            let cost = EngineCost(whole)
            attempt.succeeded(cost)
            account.counted(cost)
            // About four bytes are a token, where the engine does not count.
            if cost.answerTokens == nil { account.told(whole.body.count / 4) }
            return .verbatim(whole)
        case .events(let events):
            let source = try await firstToken(of: EngineStream(events), attempt, request.notice)
            let stream = TokenStream(source, of: request, wanted: wanted, account: account, dispatcher: self)
            return request.streams ? .stream(stream) : .whole(try await AnswerCollector.collect(stream))
        }
    }

    /// Waits for what a client can be shown; what an engine says before that is noted for the code that keeps the
    /// connection alive.
    private func firstToken(
        of stream: EngineStream, _ attempt: Attempt, _ notice: WaitNotice?
    ) async throws -> TokenStream.Source {
        guard let reader = stream.takeReader() else { throw EngineStream.cutOff }
        var first: [ChatEvent] = []
        while let event = try await reader.next() {
            switch event {
            case .waiting(let reason): notice?.note(reason)
            case .comment(let comment): notice?.note(comment: comment)
            case .delta, .raw, .finished, .rawEnd:
                first.append(event)
                guard event.hasContent || event.isEnd || first.count > Self.openingLimit else { continue }
                attempt.trace.sawFirstToken(at: clock.now)
                return TokenStream.Source(reader: reader, first: first, attempt: attempt)
            }
        }
        throw EngineStream.cutOff
    }

    private func routed(_ request: ChatRequest, to attempt: Attempt) -> ChatRequest {
        routed(request, to: attempt.candidate, in: attempt.trace)
    }

    func routed(_ request: ChatRequest, to candidate: Candidate, in trace: TracePosition? = nil) -> ChatRequest {
        var placed = request
        placed.model = candidate.model
        placed.stallLimit = stallLimit.limit(for: placed, kind: nil)
        if let trace { placed.trace = trace }
        return placed
    }

    /// Lets another engine continue an answer: one with the same model, or, only if any model will do, one with
    /// another.
    ///
    /// - Parameters:
    ///   - failed: The engines that failed since the last token.
    ///   - mayAskAgain: Whether the one that broke off may be asked once more, if there is no other.
    ///   - standby: The node that has read the answer already.
    /// - Throws: `failure`, when none can; `CancellationError`.
    func resume(
        _ rest: ChatRequest, as wanted: RouteRequest, begunBy first: Candidate, without failed: [RouteDecision.Skip],
        after failure: ChatError, mayAskAgain: Bool, preferring standby: NodeID?
    ) async throws -> TokenStream.Source {
        // Not limited by the budget: a node that falls silent interrupts many answers, and each is continued once.
        guard Blame(failure).triesAnother else { throw failure }
        var wanted = wanted
        wanted.tokens += rest.begun?.tokens ?? 0
        wanted.mayWake = false
        var sameModel = wanted
        sameModel.model = first.model
        if !decide(sameModel, without: failed).choices.isEmpty { wanted = sameModel }
        var failed = failed
        if mayAskAgain, failed.count == 1, [.interrupted, .unreachable, .timeout].contains(failure.code),
            decide(wanted, without: failed).choices.isEmpty
        {
            // There is no other: the cause may be the connection, an engine that is restarting, or one that is merely
            // slow.
            (wanted, failed) = (sameModel, [])
        }
        let trace = rest.trace.begin(
            .continuation, .inside, SpanDetail(reason: failure.code.rawValue, count: rest.begun?.tokens), at: clock.now)
        do {
            let (source, report) = try await tryCandidates(
                wanted, id: rest.ticket, trace: trace, deadline: rest.deadline, without: failed, preferring: standby
            ) { backend, attempt in
                journal.started(rest.id, with: attempt.candidate, continues: true)
                let answer = try await backend.until(rest.deadline, clock: clock).answer(routed(rest, to: attempt))
                guard case .events(let events) = answer else {
                    throw ChatError(.invalidAnswer, "a whole answer came where the rest of one was asked for")
                }
                return try await firstToken(of: EngineStream(events), attempt, rest.notice)
            }
            trace.end(.completed, SpanDetail(node: report.candidate?.name), at: clock.now)
            return source
        } catch let refused as DispatchError {
            trace.end(.failed(refused.failure.code), at: clock.now)
            var failure = failure
            let others = decide(wanted, without: []).choices.contains { $0.candidate.node != first.node }
            let why =
                others || failed.count > 1
                ? refused.failure.message : refused.route.passingReasons(without: first.node).joined(separator: "; ")
            failure.message +=
                wanted.pin != nil
                ? "; no other machine went on, since \(first.name) alone was asked for"
                : why.isEmpty ? "; no other machine has this model" : "; nobody could go on (\(why))"
            throw failure
        } catch {
            trace.end(with: error, at: clock.now)
            throw error
        }
    }

    /// How the breaker of every candidate stands that was sent something; bounded.
    package func breakers() -> [Candidate: CircuitBreaker.Condition] {
        router.withLock { $0.breakers(now: clock.now) }
    }

    /// A node that was gone answers again.
    package func returned(_ node: NodeID) { router.withLock { $0.returned(node) } }

    // MARK: Trying candidates

    /// - Parameters:
    ///   - failed: Candidates that are not to be asked.
    ///   - notice: Notified while there is no room.
    func tryCandidates<Answer>(
        _ wanted: RouteRequest, id: RequestID, trace: TracePosition, deadline: MonotonicInstant?,
        notice: WaitNotice? = nil,
        without failed: [RouteDecision.Skip] = [], preferring preferred: NodeID? = nil,
        try answer: (any Answering, Attempt) async throws -> Answer
    ) async throws -> (Answer, RouteReport) {
        let began = clock.now
        let patience = QueueWait(began: began, limit: patience, deadline: deadline)
        router.withLock { $0.requestArrived(now: began) }
        defer { waiting.withLock { $0.leave(id) } }
        var ahead = 0
        var wakePatience = WakePatience()
        var failures = failed
        var lastFailure: ChatError?
        var probes = 0
        var queue: TracePosition?
        defer { queue?.end(.abandoned, at: clock.now) }
        while true {
            let now = clock.now
            let choosing = trace.begin(.route, at: now)
            let made = decide(wanted, without: failures, now: now)
            choosing.end(.completed, SpanDetail(made), at: clock.now)
            var report = RouteReport(skipped: made.skipped)
            if let time = wakesSooner(than: made, for: wanted, without: failures, deadline: deadline, &wakePatience),
                waiting.withLock({ $0.enter(id, wanted.priority) }) != nil
            {
                notice?.note(.waking)
                try await clock.sleep(for: time)
                continue
            }
            let choice: RouteDecision.Choice
            switch patience.next(made, ahead: ahead, preferring: preferred, now: now) {
            case .ask(let open): choice = open
            case .wait(let time):
                guard let place = waiting.withLock({ $0.enter(id, wanted.priority) }) else {
                    throw DispatchError(failure: QueueWait.refusal(made, now: clock.now), route: report)
                }
                ahead = place
                if queue == nil { queue = trace.begin(.queue, .inside, SpanDetail(count: place), at: clock.now) }
                notice?.note(.queued, ahead: place)
                try await clock.sleep(for: time)
                continue
            case .waitForLoading(let time):
                guard waiting.withLock({ $0.enter(id, wanted.priority) }) != nil else {
                    throw DispatchError(failure: made.refusal(of: wanted, now: clock.now), route: report)
                }
                notice?.note(.loading)
                try await clock.sleep(for: time)
                continue
            case .giveUp(let refusal): throw DispatchError(failure: lastFailure ?? refusal, route: report)
            case .nobody:
                let decision: RouteDecision
                switch wake(for: wanted, after: made, without: failures, deadline: deadline, &wakePatience) {
                case .wait(let time) where waiting.withLock({ $0.enter(id, wanted.priority) }) != nil:
                    notice?.note(.waking)
                    try await clock.sleep(for: time)
                    continue
                case .wait: decision = made
                case .nobody(let explained): decision = explained
                }
                report.skipped = decision.skipped
                let failure = lastFailure ?? decision.refusal(of: wanted, now: clock.now)
                if failure.code == .modelNotFound { mesh.noteUnknownModel() }
                throw DispatchError(failure: failure, route: report)
            }
            queue?.end(at: clock.now)
            report.candidate = choice.candidate
            report.reason = failures.isEmpty ? choice.reason : .alternate
            let attempt = begin(choice, id: id, for: wanted, trace, report.reason)
            do {
                guard let backend = mesh.backend(for: choice.candidate.node) else {
                    throw ChatError(.unreachable, "\(choice.candidate.name) has left the mesh")
                }
                return (try await answer(backend, attempt), report)
            } catch {
                attempt.ended(with: error)
                guard let failure = error as? ChatError else { throw error }
                // A full queue means a wait: the router knows of it now, and which others have room.
                if failure.roomAfter != nil, Blame(failure).isLoad { continue }
                failures.append(.init(choice.candidate, .failed(failure.code)))
                lastFailure = failure
                // A request that tries a node that failed must not be worse off for it.
                if choice.reason == .probe { probes += 1 }
                let count = failures.count - failed.count - probes
                guard choice.reason == .probe || mayTryAnother(after: failure, wanted, count: count) else {
                    report.skipped = made.skipped
                    throw DispatchError(failure: failure, route: report)
                }
            }
        }
    }

    func decide(
        _ wanted: RouteRequest, without failed: [RouteDecision.Skip], now: MonotonicInstant? = nil
    ) -> RouteDecision {
        let nodes = mesh.snapshots()
        guard !failed.isEmpty else { return decide(wanted, among: nodes, now: now ?? clock.now) }
        let left = nodes.filter { node in !failed.contains { $0.node == node.id } }
        var decision = decide(wanted, among: left, now: now ?? clock.now)
        decision.skipped.append(contentsOf: failed)
        return decision
    }

    func decide(_ wanted: RouteRequest, among nodes: [NodeSnapshot], now: MonotonicInstant) -> RouteDecision {
        router.withLock { $0.decide(wanted, among: nodes, now: now) }
    }

    /// A node that is absent or died is no sign of an overloaded mesh, against which the budget protects.
    private func mayTryAnother(after failure: ChatError, _ wanted: RouteRequest, count: Int) -> Bool {
        guard Blame(failure, needs: wanted.features).triesAnother, count <= Self.alternateLimit else { return false }
        switch failure.code {
        case .unreachable, .interrupted: return true
        default: return router.withLock { $0.mayRetry(now: clock.now) }
        }
    }

    private func begin(
        _ choice: RouteDecision.Choice, id: RequestID, for wanted: RouteRequest, _ trace: TracePosition,
        _ reason: RouteReason?
    ) -> Attempt {
        let (candidate, now) = (choice.candidate, clock.now)
        let isCold = choice.estimate.coldLoad > .zero
        router.withLock { $0.began(id, at: candidate, for: wanted, isCold: isCold, now: now) }
        let trace = trace.begin(
            .attempt, .client,
            SpanDetail(node: candidate.name, model: candidate.model, reason: reason?.description), at: now)
        return Attempt(candidate: candidate, trace: trace) { [self] outcome in
            let now = clock.now
            trace.end(SpanOutcome(outcome), at: now)
            router.withLock { router in
                switch outcome {
                case .succeeded(let cost): router.succeeded(id, at: candidate, cost: cost, now: now)
                case .failed(let failure): router.failed(id, at: candidate, with: failure, now: now)
                case .abandoned: router.abandoned(id, at: candidate, now: now)
                }
            }
            if case .failed(let failure) = outcome { mesh.report(failure, from: candidate.node) }
        }
    }
}
