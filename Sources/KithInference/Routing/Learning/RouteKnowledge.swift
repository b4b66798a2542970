// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// All that routing has learned, in bounded memory: a pure value that is told what happens.
package struct RouteKnowledge: Sendable {
    /// A model that cannot be found counts for this long as one that may come back.
    package static let lately = Duration.seconds(600)
    /// Candidates that are remembered.
    package static let capacity = 1_024

    private var records: [Candidate: CandidateRecord] = [:]
    private var ownLoads: [NodeID: InFlightRequests] = [:]
    private var meanWork = MeanWork()
    private var prefixes = PrefixTable()

    package init() {}

    // MARK: Queries

    /// Tokens a second for one request, of every candidate that was measured.
    package var tokensPerSecond: [Candidate: Double] {
        records.compactMapValues { $0.chatPace.secondsPerToken.map { 1 / max($0, 1e-9) } }
    }

    /// How the breaker of every candidate stands that was sent something.
    func breakers(now: MonotonicInstant) -> [Candidate: CircuitBreaker.Condition] {
        records.mapValues { $0.breaker.condition(now: now) }
    }

    func hasMeasured(_ candidate: Candidate) -> Bool { records[candidate]?.chatPace.secondsPerToken != nil }

    /// What speaks against a candidate now.
    struct Standing {
        var permission = CircuitBreaker.Permission.granted
        /// It must not be asked before this moment, and why.
        var hold: (until: MonotonicInstant, why: String)?
        /// It has no room before this moment.
        var full: Room?
        /// What the request needs and it lacks, and since when that is known.
        var lack: (feature: Feature, since: MonotonicInstant)?
        /// Whether a request of this node has its model being loaded.
        var isLoading = false
    }

    /// - Parameter features: What the request needs.
    func standing(
        of candidate: Candidate, needing features: Set<Feature>, priority: RequestPriority = .interactive,
        now: MonotonicInstant
    ) -> Standing {
        guard let record = records[candidate] else { return Standing() }
        var standing = Standing(permission: record.breaker.permission(now: now))
        if let until = record.keyRefusal.hold(now: now) {
            standing.hold = (until, "key refused")
        } else if let held = record.held, now < held.until {
            standing.hold = held
        }
        if let full = priority == .batch ? record.fullForBatch : record.full, now < full.until {
            standing.full = Room(at: full.until, turn: full.turn, isQuota: full.isQuota)
        }
        standing.lack = record.lack(among: features, now: now)
        standing.isLoading = record.isLoading
        return standing
    }

    /// Whether a request may find out if the candidate works again.
    func mayProbe(_ candidate: Candidate, isOpen: Bool, now: MonotonicInstant) -> Bool {
        records[candidate]?.mayBeProbed(isOpen: isOpen, now: now) ?? false
    }

    /// Whether a candidate was sent a request for the model lately.
    func hadLately(_ model: ModelID, now: MonotonicInstant) -> Bool {
        records.contains { $0.key.model.isMeant(by: model) && now - $0.value.usedAt < Self.lately }
    }

    func prefixHolder(_ request: RouteRequest) -> (candidate: Candidate, blocks: Int)? {
        prefixes.longest(of: request.prefix)
    }

    /// What is assumed of a candidate as far as nothing is known of it, or believed: the best of all.
    struct Best {
        /// Seconds a token.
        var pace: Double
        /// How many tokens are read in the time in which one is made.
        var promptShare: Double
        var load: Duration
    }

    func best(of candidates: some Sequence<Candidate>, for purpose: RouteRequest.Purpose) -> Best {
        var (pace, share, load): (Double?, Double?, Duration?)
        for candidate in candidates {  // once for each: this is done for each request
            guard let record = records[candidate] else { continue }
            if let known = record.pace(of: purpose).secondsPerToken { pace = min(pace ?? known, known) }
            if let known = record.promptShare { share = max(share ?? known, known) }
            if let known = record.knownLoad { load = min(load ?? known, known) }
        }
        return Best(
            pace: pace ?? Pace.prior, promptShare: share ?? Work.promptShare, load: load ?? LoadTime.first)
    }

    /// - Parameter held: Blocks of the conversation's beginning that it was sent before.
    func estimate(
        _ candidate: Candidate, on node: NodeSnapshot, for request: RouteRequest, held: Int, best: Best,
        now: MonotonicInstant
    ) -> WaitEstimate {
        let record = records[candidate]
        let pace = record?.pace(of: request.purpose)
        let believed = pace?.estimate(now: now, best: best.pace) ?? best.pace
        let outstanding = outstanding(on: node)
        let ahead = Double(max(0, outstanding - node.slots + 1)) / Double(node.slots)
        let isCold = node.engine == .loading || node.isCold(candidate.model)
        let coldLoad =
            record?.coldLoad(isResident: !isCold, best: best.load, now: now) ?? (isCold ? LoadTime.first : .zero)
        let work = meanWork.expected(
            of: request, held: isCold ? 0 : held, promptShare: record?.promptShare ?? best.promptShare
        ).tokens
        return WaitEstimate(
            outstanding: outstanding, slots: node.slots,
            tokensPerSecond: pace?.secondsPerToken.map { 1 / max($0, 1e-9) }, work: work,
            queue: .seconds(believed * meanWork.tokens * ahead), service: .seconds(believed * work),
            latency: node.latency,
            coldLoad: coldLoad, penalty: record?.penalty.left(now: now) ?? .zero,
            level: min(max(node.level, 0.1), 10), breaker: record?.breaker.permission(now: now) ?? .granted,
            sparesBattery: node.machine?.sparesBattery ?? false)
    }

    /// A node's own count is live except for requests that are on the way to its queue; a kin's is as old as its last
    /// report.
    private func outstanding(on node: NodeSnapshot) -> Int {
        guard let own = ownLoads[node.id] else { return node.outstanding }
        return node.isSelf ? max(node.outstanding, own.count) : own.corrected(node.outstanding, heardAt: node.takenAt)
    }

    // MARK: Events

    /// A request is being sent to the candidate.
    ///
    /// - Parameter isCold: Whether its model has to be loaded for that.
    package mutating func began(
        _ id: RequestID, at candidate: Candidate, for request: RouteRequest, isCold: Bool = false, now: MonotonicInstant
    ) {
        let holder = prefixes.longest(of: request.prefix)
        let held = holder?.candidate == candidate && !isCold ? holder?.blocks ?? 0 : 0
        let prefix = prefixes.note(request.prefix, sentTo: candidate)
        change(candidate, now: now) { record in
            record.began(now: now)
            record.send(id, .init(at: now, request: request, held: held, prefix: prefix), isCold: isCold)
        }
        ownLoads[candidate.node, default: InFlightRequests()].began(now: now)
    }

    package mutating func succeeded(_ id: RequestID, at candidate: Candidate, cost: EngineCost, now: MonotonicInstant) {
        let ended = end(id, at: candidate, now: now)
        if let ended { learn(cost, of: ended, at: candidate, now: now) }
        change(candidate, now: now) { $0.succeeded(needing: ended?.sent.request.features ?? [], now: now) }
    }

    /// - Parameter failure: Why no answer, or only a part of one, came.
    package mutating func failed(
        _ id: RequestID, at candidate: Candidate, with failure: ChatError, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) {
        let sent = end(id, at: candidate, now: now)?.sent
        let blame = Blame(failure, needs: sent?.request.features ?? [])
        if blame.isUnread, let sent { prefixes.undo(sent.prefix) }
        change(candidate, now: now) { record in
            record.failed(
                blame, sentAt: sent?.at ?? now, priority: sent?.request.priority ?? .interactive, now: now,
                using: &generator)
        }
    }

    /// The client has gone, or the answer is no longer wanted: nothing is learned.
    package mutating func abandoned(_ id: RequestID, at candidate: Candidate, now: MonotonicInstant) {
        end(id, at: candidate, now: now)
        records[candidate]?.breaker.abandoned(now: now)
    }

    /// A node that was gone is back: its earlier failures are not held against it.
    package mutating func returned(_ node: NodeID) {
        for (candidate, record) in records where candidate.node == node { records[candidate] = record.forgiven }
    }

    // MARK: Learning

    private mutating func learn(
        _ cost: EngineCost, of ended: CandidateRecord.Ended, at candidate: Candidate, now: MonotonicInstant
    ) {
        let sent = ended.sent
        var cost = cost
        // An engine that says it read many times what was sent to it is not believed.
        cost.promptTokens = cost.promptTokens.map {
            min($0, sent.request.tokens.saturatingAdding(1_000).saturatingAdding(sent.request.tokens))
        }
        let promptShare = ended.promptShare ?? Work.promptShare
        var work = meanWork.expected(of: sent.request, held: sent.held, promptShare: promptShare)
        if sent.request.purpose == .embedding {
            work = Work(promptTokens: cost.promptTokens ?? sent.request.tokens, answerTokens: 0)
        } else if let answerTokens = cost.answerTokens {
            let unread = PrefixBlocks.unread(of: cost.promptTokens ?? sent.request.tokens, held: sent.held)
            work = Work(promptTokens: unread, answerTokens: Double(answerTokens), promptShare: promptShare)
            meanWork.served(work, answerTokens: answerTokens)
        }
        // No engine can have worked for longer than the request took.
        let time = min(cost.engineTime ?? .seconds(86_400), now - sent.at)
        change(candidate, now: now) { $0.served(work, cost, of: sent, in: time, now: now) }
    }

    @discardableResult
    private mutating func end(
        _ id: RequestID, at candidate: Candidate, now: MonotonicInstant
    ) -> CandidateRecord.Ended? {
        ownLoads[candidate.node]?.ended(now: now)
        return records[candidate]?.end(id)
    }

    private mutating func change(_ candidate: Candidate, now: MonotonicInstant, _ body: (inout CandidateRecord) -> Void)
    {
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

/// How many of this node's own requests were under way at another, now and in the recent past: what is needed to bring a
/// report of that node's load up to date.
package struct InFlightRequests: Sendable {
    /// How old a report is when it is heard, on the average: what it says was counted before it was gossiped.
    package static let reportAge = Duration.milliseconds(250)
    /// Changes that are remembered.
    package static let capacity = 256

    /// How many were under way from a moment on.
    private struct Step: Sendable {
        var at: MonotonicInstant
        var count: Int
    }

    /// In order of time; the older half is dropped when there are twice as many as the capacity.
    private var steps: [Step] = []
    /// Before the first step.
    private var base = 0
    package private(set) var count = 0

    package init() {}

    package mutating func began(now: MonotonicInstant) { change(by: 1, now: now) }

    package mutating func ended(now: MonotonicInstant) {
        if count > 0 { change(by: -1, now: now) }
    }

    /// What was reported, plus what was sent since it was counted, less what has ended of what was sent before; never less
    /// than what is under way.
    package func corrected(_ reported: Int, heardAt: MonotonicInstant) -> Int {
        max(count, reported + count - count(at: heardAt + (.zero - Self.reportAge)))
    }

    /// How many were under way at a moment of the past, as far back as is remembered.
    private func count(at moment: MonotonicInstant) -> Int {
        var (low, high) = (0, steps.count)
        while low < high {
            let middle = (low + high) / 2
            if steps[middle].at <= moment { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? steps[low - 1].count : base
    }

    private mutating func change(by step: Int, now: MonotonicInstant) {
        count += step
        if steps.count == 2 * Self.capacity {
            base = steps[Self.capacity - 1].count
            steps.removeFirst(Self.capacity)
        }
        steps.append(Step(at: now, count: count))
    }
}
