// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Decides which node answers: a pure value that is told what happens and asked where to go.
///
/// Filters by tier, reachability, model, context and breaker, then ranks by estimated wait:
/// `((outstanding + just dispatched) / slots + 1) × service time + round trip + cold load`, divided by the level.
package struct Router: Sendable {
    /// Added for a node that has yet to load its model.
    package static let coldLoad = Duration.seconds(5)

    private struct Record: Sendable {
        var breaker = CircuitBreaker()
        var service = ServiceTime()
        var held: (until: Moment, why: String)?
        /// When each request of ours that is still running there was sent.
        var sent: [RequestID: Moment] = [:]
    }

    private var records: [Candidate: Record] = [:]
    private var budget = RetryBudget()
    private var generator: any RandomNumberGenerator & Sendable

    package init(generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
        self.generator = generator
    }

    // MARK: Deciding

    package func decide(_ request: RouteRequest, among nodes: [NodeSnapshot], now: Moment) -> RouteDecision {
        var decision = RouteDecision(choices: [], skipped: [], knownModels: [])
        var guarded: [(choice: RouteDecision.Choice, opens: Moment)] = []
        let best = bestMean(among: nodes)
        for node in nodes {
            if node.tier == .kin { decision.knownModels.append(contentsOf: node.models.map(\.id)) }
            switch consider(node, for: request, best: best, now: now) {
            case .skip(let reason): decision.skipped.append(.init(node: node.name, reason: reason))
            case .choice(let choice): decision.choices.append(choice)
            case .guarded(let choice, let opens):
                guarded.append((choice, opens))
                decision.skipped.append(.init(node: node.name, reason: .breakerOpen))
            }
        }
        if decision.choices.isEmpty, let leastBad = guarded.min(by: { $0.opens < $1.opens }) {
            decision.choices = [leastBad.choice]
            decision.skipped.removeAll { $0.node == leastBad.choice.candidate.node }
        }
        decision.choices.sort { $0.estimatedWait < $1.estimatedWait }
        if decision.choices.count == 1, decision.choices[0].reason == .shortestWait {
            decision.choices[0].reason = .onlyCandidate
        }
        decision.knownModels = Array(Set(decision.knownModels)).sorted()
        return decision
    }

    private enum Verdict {
        case skip(SkipReason)
        case choice(RouteDecision.Choice)
        case guarded(RouteDecision.Choice, opens: Moment)
    }

    private func consider(
        _ node: NodeSnapshot, for request: RouteRequest, best: Duration, now: Moment
    ) -> Verdict {
        guard node.tier == .kin else { return .skip(.notKin) }
        if let pin = request.pin, pin != node.name { return .skip(.pinnedElsewhere) }
        switch node.reachability {
        case .up: break
        case .unknown: return .skip(.unknown)
        case .down(let why): return .skip(.down(why))
        }
        guard !node.isDraining else { return .skip(.draining) }
        let offered = request.purpose == .embedding ? node.models.filter(\.embeds) : node.models
        guard !node.models.isEmpty else { return .skip(.noEngine) }
        guard let model = Self.match(request.model, in: offered) else { return .skip(.modelAbsent) }
        if let context = model.contextLength, request.tokens > context { return .skip(.contextTooShort(context)) }

        let candidate = Candidate(node: node.name, model: model.id)
        let record = records[candidate]
        if let held = record?.held, now < held.until { return .skip(.heldBack(held.why)) }
        var choice = RouteDecision.Choice(
            candidate: candidate, estimate: estimate(of: candidate, on: node, best: best, now: now),
            reason: request.pin == nil ? .shortestWait : .pinned)
        if case .refused(let until) = record?.breaker.permission(now: now) ?? .granted {
            choice.reason = .leastBad
            return .guarded(choice, opens: until)
        }
        return .choice(choice)
    }

    /// A name matches itself, and with Ollama's implied tag `latest`.
    private static func match(_ wanted: ModelID?, in models: [ModelInfo]) -> ModelInfo? {
        guard let wanted else { return models.first }
        return models.first { $0.id == wanted } ?? models.first { $0.id.rawValue == wanted.rawValue + ":latest" }
    }

    /// The shortest service time that is known of any of these nodes.
    private func bestMean(among nodes: [NodeSnapshot]) -> Duration {
        let means = nodes.lazy.flatMap { node in
            node.models.lazy.compactMap { records[Candidate(node: node.name, model: $0.id)]?.service.mean }
        }
        return means.min() ?? ServiceTime.prior
    }

    private func estimate(
        of candidate: Candidate, on node: NodeSnapshot, best: Duration, now: Moment
    ) -> WaitEstimate {
        let record = records[candidate]
        // A node's own count is live; a kin's is as old as its last report, so what was sent since then is added.
        let unreported = node.isSelf ? 0 : record?.sent.values.count { $0 > node.takenAt } ?? 0
        let outstanding = node.outstanding + unreported
        let service = record?.service.estimate(now: now, best: best) ?? best
        return WaitEstimate(
            outstanding: outstanding, slots: node.slots, queue: service * (Double(outstanding) / Double(node.slots)),
            service: service, latency: node.latency, coldLoad: node.isLoading ? Self.coldLoad : .zero,
            level: min(max(node.level, 0.1), 10), breaker: record?.breaker.permission(now: now) ?? .granted)
    }

    // MARK: Learning

    package mutating func requestArrived(now: Moment) { budget.requestArrived(now: now) }

    /// - Returns: Whether one more alternate may be tried.
    package mutating func mayRetry(now: Moment) -> Bool { budget.spend(now: now) }

    /// A request is being sent to the candidate.
    package mutating func began(_ id: RequestID, at candidate: Candidate, now: Moment) {
        var record = records[candidate, default: Record()]
        record.sent[id] = now
        if record.breaker.permission(now: now) == .probe { record.breaker.probeSent(now: now) }
        records[candidate] = record
    }

    package mutating func succeeded(_ id: RequestID, at candidate: Candidate, now: Moment) {
        var record = records[candidate, default: Record()]
        if let sent = record.sent.removeValue(forKey: id) { record.service.succeeded(after: now - sent, now: now) }
        record.breaker.succeeded(now: now)
        records[candidate] = record
    }

    /// - Parameter failure: Why no answer, or no whole one, came.
    package mutating func failed(_ id: RequestID, at candidate: Candidate, with failure: ChatFailure, now: Moment) {
        var record = records[candidate, default: Record()]
        record.sent[id] = nil
        switch FailureRule(failure).effect {
        case .none: record.breaker.abandoned(now: now)
        case .failure:
            record.service.failed(now: now)
            record.breaker.failed(now: now, using: &generator)
        case .hold(let duration, let why):
            record.held = (now + duration, why)
            record.breaker.abandoned(now: now)
        }
        records[candidate] = record
    }

    /// The client has gone, or the request lost interest: nothing is learned.
    package mutating func abandoned(_ id: RequestID, at candidate: Candidate, now: Moment) {
        records[candidate]?.sent[id] = nil
        records[candidate]?.breaker.abandoned(now: now)
    }

    /// A node that was gone is back: what is known of its earlier life is not held against it.
    package mutating func returned(_ node: NodeName) {
        for candidate in records.keys where candidate.node == node {
            records[candidate] = Record(sent: records[candidate]?.sent ?? [:])
        }
    }
}
