// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What is known of one candidate.
struct CandidateRecord: Sendable {
    /// A request from this node that is under way there.
    struct Sent: Sendable {
        var at: MonotonicInstant
        var request: RouteRequest
        /// Blocks of its beginning that were sent there before.
        var held = 0
        /// What it had to wait for beside its turn.
        var load = Load.none
        /// What was noted of the beginning of its conversation.
        var prefix: PrefixTable.Change
    }

    /// A request that was under way.
    struct Ended: Sendable {
        var sent: Sent
        /// As ``CandidateRecord/promptShare``.
        var promptShare: Double?
    }

    /// The loading of a model.
    enum Load: Sendable {
        case none
        /// It was sent to a model that was not in memory.
        case whole
        /// It came while the model was being loaded for another one.
        case rest
    }

    /// How long it is remembered what a candidate lacks.
    static let lackLife = Duration.seconds(600)
    /// Between two requests that ask for it all the same, when no other has it.
    static let lackPause = Duration.seconds(30)
    /// A failure that took no longer than this costs little to repeat.
    static let quickFailure = Duration.milliseconds(2_500)
    /// Between two requests that find out whether a failed candidate works again; longer when failing takes longer.
    static let probePause = Duration.seconds(1)
    /// And this share of the time since it failed first: one that never comes back gets hardly any.
    static let probeShare = 20.0

    var breaker = CircuitBreaker()
    var penalty = FailurePenalty()
    /// Kept apart, because a model that embeds only reads.
    var chatPace = Pace()
    private var readingPace = ReadingPace()
    private var loadTime = LoadTime()
    var embeddingPace = Pace()
    var held: (until: MonotonicInstant, why: String)?
    var keyRefusal = CredentialBackoff()
    /// Until when it said that it has no room, when a turn there would come, and whether it counts requests.
    var full: (until: MonotonicInstant, turn: MonotonicInstant, isQuota: Bool)?
    /// The same, said to batch work, whose places are its own.
    var fullForBatch: (until: MonotonicInstant, turn: MonotonicInstant, isQuota: Bool)?
    /// What it said it cannot do, and when.
    private var lacks: [Feature: MonotonicInstant] = [:]
    private(set) var sent: [RequestID: Sent] = [:]
    var usedAt = MonotonicInstant.zero
    /// How long the last failure took.
    private var failureTook = Duration.zero
    /// When it failed, or was sent a request in spite of that.
    private var probedAt: MonotonicInstant?
    /// Since when there have been only failures.
    private var failingSince: MonotonicInstant?

    func pace(of purpose: RouteRequest.Purpose) -> Pace { purpose == .embedding ? embeddingPace : chatPace }

    /// How many tokens it reads in the time in which it makes one; `nil` until it has read enough.
    var promptShare: Double? { readingPace.share(made: chatPace.secondsPerToken) }

    /// As seen; `nil` until it was.
    var knownLoad: Duration? { loadTime.known }

    /// Until the model is in memory: what is left of a loading that a request of this node began, else all of it if there is no
    /// such request and the model is not in memory.
    func coldLoad(isResident: Bool, best: Duration, now: MonotonicInstant) -> Duration {
        if isResident, loading == nil { return .zero }
        let expected = loadTime.expected(now: now, best: best)
        guard let began = loading?.since else { return expected }
        // Never nothing: whatever is sent now waits for it too.
        return max(.milliseconds(1), expected - (now - began))
    }

    /// The request for which the model is being loaded, and since when: kept apart, because each decision asks for it, and
    /// thousands may be under way.
    private var loading: (by: RequestID, since: MonotonicInstant)?
    var isLoading: Bool { loading != nil }

    /// A request is sent.
    ///
    /// - Parameter isCold: Whether its model has to be loaded for that.
    mutating func send(_ id: RequestID, _ request: Sent, isCold: Bool) {
        var request = request
        if isCold { request.load = loading == nil ? .whole : .rest }
        if request.load == .whole { loading = (id, request.at) }
        sent[id] = request
    }

    /// A request has ended, whatever came of it.
    mutating func end(_ id: RequestID) -> Ended? {
        if loading?.by == id { loading = nil }
        return sent.removeValue(forKey: id).map { Ended(sent: $0, promptShare: promptShare) }
    }

    /// - Parameters:
    ///   - work: As expected, where the engine did not count.
    ///   - time: Of the engine, all in all.
    mutating func served(
        _ work: Work, _ cost: EngineCost, of sent: Sent, in time: Duration, now: MonotonicInstant
    ) {
        switch sent.request.purpose {
        case .chat: served(work, cost, ofChat: sent, in: time, now: now)
        case .embedding: embeddingPace.served(work, in: time, now: now)
        case .service: break  // not counted in tokens
        }
    }

    /// Where the first token tells reading from writing, both are learned apart, and from a request for which a model was loaded
    /// how long that took.
    private mutating func served(
        _ work: Work, _ cost: EngineCost, ofChat sent: Sent, in time: Duration, now: MonotonicInstant
    ) {
        guard let answer = cost.answerTokens, let first = cost.readTime.map({ min($0, time) }), answer > 1,
            // An answer that came all at once was not written in no time.
            (time - first).seconds >= Self.leastPace * Double(answer - 1)
        else {
            switch (sent.load, chatPace.secondsPerToken) {
            case (.none, _): chatPace.served(work, in: time, now: now)
            case (.whole, let pace?) where cost.answerTokens != nil:
                loadTime.took(time - .seconds(pace * work.tokens), now: now)
            case (.whole, _), (.rest, _): break
            }
            return
        }
        chatPace.served(Work(made: answer - 1), in: time - first, now: now)
        let overhead = Duration.seconds((chatPace.secondsPerToken ?? 0) * Work.overhead)
        let unread = PrefixBlocks.unread(of: cost.promptTokens ?? sent.request.tokens, held: sent.held)
        switch sent.load {
        case .none: readingPace.served(unread, in: first - overhead)
        case .whole:
            let reading = readingPace.secondsPerToken ?? (chatPace.secondsPerToken ?? 0) / Work.promptShare
            loadTime.took(first - overhead - .seconds(reading * Double(unread)), now: now)
        case .rest: break
        }
    }

    /// Seconds for a token that is made: no engine writes faster, but some send what they wrote in one piece.
    private static let leastPace = 0.0001

    /// Without what was held against it; its pace and what is under way stay.
    var forgiven: CandidateRecord {
        var record = self
        record.breaker = CircuitBreaker()
        record.penalty = FailurePenalty()
        record.held = nil
        (record.full, record.fullForBatch) = (nil, nil)
        record.keyRefusal = CredentialBackoff()
        (record.probedAt, record.failingSince) = (nil, nil)
        return record
    }

    // MARK: Events

    mutating func began(now: MonotonicInstant) {
        switch breaker.permission(now: now) {
        case .probe: breaker.probeSent(now: now)
        case .granted, .refused: break
        }
        if isDoubtful(now: now) { probedAt = now }
    }

    /// An answer clears everything that was held against it.
    mutating func succeeded(needing features: Set<Feature>, now: MonotonicInstant) {
        breaker.succeeded(now: now)
        penalty = FailurePenalty()
        keyRefusal = CredentialBackoff()
        (held, full, probedAt, failingSince) = (nil, nil, nil, nil)
        fullForBatch = nil
        for feature in features { lacks[feature] = nil }
    }

    mutating func failed(
        _ blame: Blame, sentAt: MonotonicInstant, priority: RequestPriority = .interactive, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) {
        switch blame.subject {
        case .candidate:
            failureTook = max(now - sentAt, .zero)
            (probedAt, failingSince) = (now, failingSince ?? now)
            penalty.failed(now: now)
            return breaker.failed(now: now, using: &generator)
        case .nobody, .request: break
        case .feature(let feature): lacks[feature] = now
        case .load(let forecast):
            let room = (now + forecast.room, now + forecast.turn, forecast.isQuota)
            if priority == .interactive || forecast.isQuota { full = room }
            fullForBatch = room
        case .pause(let pause, let why): held = (now + pause, why)
        case .key: keyRefusal.refused(sentAt: sentAt, now: now)
        }
        breaker.abandoned(now: now)
    }

    // MARK: Queries

    /// Of several, the one that was asked for last.
    func lack(among features: Set<Feature>, now: MonotonicInstant) -> (feature: Feature, since: MonotonicInstant)? {
        guard !lacks.isEmpty else { return nil }
        return features.compactMap { feature in lacks[feature].map { (feature, $0) } }
            .filter { now - $0.1 < Self.lackLife }.max { $0.1 < $1.1 }
    }

    /// Whether one request may find out if it works again: it failed, is idle, and the last attempt was a while ago.
    ///
    /// - Parameter isOpen: Whether its breaker is open, which calls for more care: failures must have come quickly.
    func mayBeProbed(isOpen: Bool, now: MonotonicInstant) -> Bool {
        guard sent.isEmpty, isDoubtful(now: now), failureTook <= Self.quickFailure || !isOpen else { return false }
        let outage = failingSince.map { now - $0 } ?? .zero
        return probedAt.map { now - $0 >= max(Self.probePause, failureTook, outage / Self.probeShare) } ?? true
    }

    private func isDoubtful(now: MonotonicInstant) -> Bool {
        if penalty.left(now: now) > .zero { return true }
        return breaker.permission(now: now) != .granted
    }
}

/// What recent failures add to a candidate's wait: a node that fails fast must not look idle.
package struct FailurePenalty: Sendable {
    /// A failure counts as a wait of this length, halved every ten seconds.
    package static let each = Duration.seconds(30)
    package static let most = FailurePenalty.each * 4
    package static let halfLife = Duration.seconds(10)

    private var penalty = Duration.zero
    private var notedAt = MonotonicInstant.zero

    package init() {}

    package mutating func failed(now: MonotonicInstant) {
        penalty = min(left(now: now) + Self.each, Self.most)
        notedAt = now
    }

    package func left(now: MonotonicInstant) -> Duration {
        guard penalty > .zero else { return .zero }
        let left = penalty * ExponentialDecay.left(after: now - notedAt, halfLife: Self.halfLife)
        return left < .milliseconds(1) ? .zero : left
    }
}

/// The candidate refuses the key of this node again and again: only the owner can mend that, so it is tried more and
/// more rarely.
///
/// A single refusal changes nothing: it may concern one request, and the error says what is wrong.
package struct CredentialBackoff: Sendable {
    private var backoff = Backoff(initial: .seconds(1), maximum: .seconds(60))
    /// When the last refusal was.
    private var notedAt: MonotonicInstant?
    private var until = MonotonicInstant.zero

    package init() {}

    /// - Parameter sentAt: When the refused request was sent; one that was on its way when another was refused says
    ///   nothing new.
    package mutating func refused(sentAt: MonotonicInstant, now: MonotonicInstant) {
        if let notedAt {
            guard sentAt > notedAt else { return }
            until = now + backoff.next()
        }
        notedAt = now
    }

    /// Until when it is not asked; `nil` when it may be.
    package func hold(now: MonotonicInstant) -> MonotonicInstant? { now < until ? until : nil }
}
