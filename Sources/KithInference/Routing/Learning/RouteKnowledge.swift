// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// All that routing has learned, in bounded memory: a pure value that is told what happens.
package struct RouteKnowledge: Sendable {
    /// Added for a node that has yet to load its model.
    package static let coldLoad = Duration.seconds(5)
    /// Candidates that are remembered.
    package static let capacity = 1_024

    private var records: [Candidate: CandidateRecord] = [:]
    private var ownLoads: [NodeName: OwnLoad] = [:]
    private var meanWork = MeanWork()
    private var prefixes = PrefixTable()

    package init() {}

    // MARK: Asking

    /// Tokens a second for one request, of every candidate that was measured.
    package var tokensPerSecond: [Candidate: Double] {
        records.compactMapValues { $0.chatPace.secondsPerToken.map { 1 / max($0, 1e-9) } }
    }

    func hasMeasured(_ candidate: Candidate) -> Bool { records[candidate]?.chatPace.secondsPerToken != nil }

    /// - Returns: What its breaker says, and why the candidate must not be asked now whatever that says.
    func standing(of candidate: Candidate, now: Moment) -> (permission: CircuitBreaker.Permission, hold: String?) {
        guard let record = records[candidate] else { return (.granted, nil) }
        return (record.breaker.permission(now: now), record.held.flatMap { now < $0.until ? $0.why : nil })
    }

    /// The lowest pace that is known of any of these candidates.
    func bestPace(of candidates: some Sequence<Candidate>, for purpose: RouteRequest.Purpose) -> Double {
        candidates.compactMap { records[$0]?.pace(of: purpose).secondsPerToken }.min() ?? Pace.prior
    }

    func prefixHolder(_ request: RouteRequest) -> (candidate: Candidate, blocks: Int)? {
        prefixes.longest(of: request.prefix)
    }

    /// - Parameter best: Seconds a token, for what is not known, or not believed.
    func estimate(
        _ candidate: Candidate, on node: NodeSnapshot, for request: RouteRequest, best: Double, now: Moment
    ) -> WaitEstimate {
        let record = records[candidate]
        let pace = record?.pace(of: request.purpose)
        let believed = pace?.estimate(now: now, best: best) ?? best
        let outstanding = outstanding(on: node)
        let ahead = Double(max(0, outstanding - node.slots + 1)) / Double(node.slots)
        let work = meanWork.expected(of: request).tokens
        return WaitEstimate(
            outstanding: outstanding, slots: node.slots,
            tokensPerSecond: pace?.secondsPerToken.map { 1 / max($0, 1e-9) }, work: work,
            queue: .seconds(believed * meanWork.tokens * ahead), service: .seconds(believed * work),
            latency: node.latency,
            coldLoad: node.isLoading ? Self.coldLoad : .zero, penalty: record?.penalty.left(now: now) ?? .zero,
            level: min(max(node.level, 0.1), 10), breaker: record?.breaker.permission(now: now) ?? .granted)
    }

    /// A node's own count is live but for requests that are on the way to its queue; a kin's is as old as its last report.
    private func outstanding(on node: NodeSnapshot) -> Int {
        guard let own = ownLoads[node.name] else { return node.outstanding }
        return node.isSelf ? max(node.outstanding, own.count) : own.corrected(node.outstanding, heardAt: node.takenAt)
    }

    // MARK: Being told

    /// A request is being sent to the candidate.
    package mutating func began(_ id: RequestID, at candidate: Candidate, for request: RouteRequest, now: Moment) {
        change(candidate, now: now) { record in
            record.sent[id] = .init(at: now, request: request)
            if record.breaker.permission(now: now) == .probe { record.breaker.probeSent(now: now) }
        }
        ownLoads[candidate.node, default: OwnLoad()].began(now: now)
        prefixes.note(request.prefix, sentTo: candidate)
    }

    package mutating func succeeded(_ id: RequestID, at candidate: Candidate, cost: EngineCost, now: Moment) {
        if let sent = end(id, at: candidate, now: now) { learn(cost, of: sent, at: candidate, now: now) }
        change(candidate, now: now) { $0.breaker.succeeded(now: now) }
    }

    /// - Parameter failure: Why no answer, or no whole one, came.
    package mutating func failed(
        _ id: RequestID, at candidate: Candidate, with failure: ChatFailure, now: Moment,
        using generator: inout some RandomNumberGenerator
    ) {
        end(id, at: candidate, now: now)
        change(candidate, now: now) { record in
            switch FailureRule(failure).effect {
            case .none: record.breaker.abandoned(now: now)
            case .failure:
                record.penalty.failed(now: now)
                record.breaker.failed(now: now, using: &generator)
            case .hold(let duration, let why):
                record.held = (now + duration, why)
                record.breaker.abandoned(now: now)
            }
        }
    }

    /// The client has gone, or the request lost interest: nothing is learned.
    package mutating func abandoned(_ id: RequestID, at candidate: Candidate, now: Moment) {
        end(id, at: candidate, now: now)
        records[candidate]?.breaker.abandoned(now: now)
    }

    /// A node that was gone is back: that it failed in its earlier life is not held against it.
    package mutating func returned(_ node: NodeName) {
        for (candidate, record) in records where candidate.node == node { records[candidate] = record.forgiven }
    }

    // MARK: Learning

    private mutating func learn(
        _ cost: EngineCost, of sent: CandidateRecord.Sent, at candidate: Candidate, now: Moment
    ) {
        let expected = meanWork.expected(of: sent.request)
        var work = expected
        if sent.request.purpose == .embedding {
            work = Work(promptTokens: cost.promptTokens ?? sent.request.tokens, answerTokens: 0)
        } else if let answerTokens = cost.answerTokens {
            work = Work(promptTokens: cost.promptTokens ?? sent.request.tokens, answerTokens: Double(answerTokens))
            meanWork.served(work, answerTokens: answerTokens)
        }
        // No engine can have been at it for longer than it took.
        let time = min(cost.engineTime ?? .seconds(86_400), now - sent.at)
        change(candidate, now: now) { $0.served(work, purpose: sent.request.purpose, in: time, now: now) }
    }

    @discardableResult
    private mutating func end(_ id: RequestID, at candidate: Candidate, now: Moment) -> CandidateRecord.Sent? {
        ownLoads[candidate.node]?.ended(now: now)
        return records[candidate]?.sent.removeValue(forKey: id)
    }

    private mutating func change(_ candidate: Candidate, now: Moment, _ body: (inout CandidateRecord) -> Void) {
        if records.count >= Self.capacity, records[candidate] == nil { makeRoom() }
        func use(_ record: inout CandidateRecord) {
            record.usedAt = now
            body(&record)
        }
        use(&records[candidate, default: CandidateRecord()])  // looked for once: this is done for each request
    }

    /// Forgets the candidate, and the node, that was used longest ago and has nothing under way.
    private mutating func makeRoom() {
        let idle = records.lazy.filter { $0.value.sent.isEmpty }
        if let oldest = idle.min(by: { $0.value.usedAt < $1.value.usedAt }) { records[oldest.key] = nil }
        guard ownLoads.count >= Self.capacity else { return }
        let known = Set(records.keys.map(\.node))
        ownLoads = ownLoads.filter { $0.value.count > 0 || known.contains($0.key) }
    }
}
