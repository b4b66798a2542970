// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A cell that a bridge may stand for.
package enum UpstreamID: Hashable, Sendable {
    /// A cell at an address that the bridge's owner configured.
    case address(HTTPAddress)
    /// A node of the same owner that has the role of a cell.
    case kin(NodeID)
}

/// What a cell said of itself when it was asked last.
package struct UpstreamHealth: Hashable, Sendable {
    package var cellID: String
    package var branch: String
    /// 0…10.
    package var level: Double
    package var services: [String]

    package init(cellID: String, branch: String, level: Double, services: [String] = []) {
        self.cellID = cellID
        self.branch = branch
        self.level = level
        self.services = services
    }
}

/// Whether any upstream can be asked.
package enum BridgeMode: String, Sendable {
    case healthy
    /// Everything is answered by the bridge itself, or kept for later.
    case degraded
}

/// What an event changed, for the log, the counters and those who wait.
package enum UpstreamAction: Hashable, Sendable {
    /// It answers, for the first time or again.
    case cameUp(UpstreamID)
    /// It no longer answers: requests that wait for it may stop waiting.
    case wentDown(UpstreamID, String)
    /// It lives, but its answers cannot be used: nothing is asked of it for this long.
    case setAside(UpstreamID, String, for: Duration)
    case mode(BridgeMode, reason: String?)
}

/// The upstreams of a bridge: how they are, which is asked next, and whether there is any. A pure value.
///
/// Each is asked for its health once a second while it is up and twice a second while it is not, and has three quarters of a
/// second to say so. A loss that nothing announces is known 1.75 s after it at the latest, a return 1.5 s after it.
package struct UpstreamSelector: Sendable {
    package static let pauseWhileUp = Duration.seconds(1)
    package static let pauseWhileDown = Duration.milliseconds(500)
    package static let probeLimit = Duration.milliseconds(750)
    /// After a bad answer; ever longer with each that follows.
    private static let asidePause = Backoff(initial: .seconds(1), maximum: .seconds(60))

    /// A request that is under way.
    package struct Ticket: Hashable, Sendable {
        package let id: UpstreamID
        package let began: MonotonicInstant
        let isTrial: Bool
    }

    /// How a request ended.
    package enum Outcome: Sendable {
        /// With an answer; the time is given where it says how busy the upstream is.
        case answered(after: Duration?)
        case failed(UpstreamError)
        /// The client has gone.
        case abandoned
    }

    /// In the order of preference.
    package private(set) var entries: [UpstreamEntry] = []
    package private(set) var mode = BridgeMode.degraded

    package init() {}

    package subscript(id: UpstreamID) -> UpstreamEntry? { entries.first { $0.id == id } }

    /// The upstream that the bridge mainly stands for: one that was configured, otherwise the kin that was up last.
    package var primary: UpstreamEntry? {
        guard let first = entries.first, case .kin = first.id else { return entries.first }
        return entries.reduce(first) { best, entry in
            guard let seen = entry.lastUp else { return best }
            return best.lastUp.map { $0 < seen } ?? true ? entry : best
        }
    }

    /// The upstream to ask, of those that can be: the one with the shortest wait for its level.
    package func best(excluding tried: Set<UpstreamID> = [], now: MonotonicInstant) -> UpstreamEntry? {
        var best: UpstreamEntry?
        for entry in entries where entry.takes(now: now) && !tried.contains(entry.id) {
            if best.map({ entry.cost < $0.cost }) ?? true { best = entry }
        }
        return best
    }

    /// Why there is no upstream to ask, in words.
    package func obstacles(now: MonotonicInstant, name: (UpstreamID) -> String) -> String {
        if entries.isEmpty { return "no cell is configured, and no kin is one" }
        return entries.compactMap { entry in entry.obstacle(now: now).map { "\(name(entry.id)): \($0)" } }
            .joined(separator: "; ")
    }

    // MARK: Upstreams that come and go

    /// Adds upstreams that have come and removes those that are gone.
    package mutating func set(_ ids: [UpstreamID], now: MonotonicInstant) -> [UpstreamAction] {
        guard ids != entries.map(\.id) else { return [] }
        let known = Dictionary(entries.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var taken: Set<UpstreamID> = []
        entries = ids.filter { taken.insert($0).inserted }.map { known[$0] ?? UpstreamEntry($0, now: now) }
        let gone = known.values.filter { !taken.contains($0.id) && $0.state == .up }
        return gone.map { .wentDown($0.id, "it is no upstream any more") } + settle(now: now)
    }

    /// Time has passed.
    package mutating func tick(now: MonotonicInstant) -> [UpstreamAction] { settle(now: now) }

    // MARK: Probes

    /// The upstreams to ask for their health now; each must be followed by ``probed(_:_:now:)``.
    package mutating func takeProbes(now: MonotonicInstant) -> [UpstreamID] {
        var due: [UpstreamID] = []
        for index in entries.indices where entries[index].probeBegan == nil && entries[index].nextProbe <= now {
            entries[index].probeBegan = now
            due.append(entries[index].id)
        }
        return due
    }

    /// When the next of them is due; `nil` while all are under way.
    package var nextProbe: MonotonicInstant? { entries.lazy.filter { $0.probeBegan == nil }.map(\.nextProbe).min() }

    package mutating func probed(
        _ id: UpstreamID, _ result: Result<UpstreamHealth, UpstreamError>, now: MonotonicInstant
    ) -> [UpstreamAction] {
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return [] }
        let began = entries[index].probeBegan ?? now
        entries[index].probeBegan = nil
        entries[index].checkedAt = now
        var actions: [UpstreamAction] = []
        switch result {
        case .success(let health):
            entries[index].health = health
            entries[index].lastUp = now
            entries[index].nextProbe = max(now, began + Self.pauseWhileUp)
            if entries[index].state != .up { actions.append(raise(index, now: now)) }
        case .failure(let problem):
            actions += lower(index, problem.message, now: now)
            entries[index].nextProbe = max(now, began + Self.pauseWhileDown)
        }
        return actions + settle(now: now)
    }

    // MARK: Work

    /// A request is sent.
    package mutating func began(_ id: UpstreamID, now: MonotonicInstant) -> Ticket {
        guard let index = entries.firstIndex(where: { $0.id == id }) else {
            return Ticket(id: id, began: now, isTrial: false)
        }
        let isTrial = entries[index].aside != nil
        entries[index].outstanding += 1
        if isTrial { entries[index].isOnTrial = true }
        return Ticket(id: id, began: now, isTrial: isTrial)
    }

    package mutating func ended(_ ticket: Ticket, _ outcome: Outcome, now: MonotonicInstant) -> [UpstreamAction] {
        guard let index = entries.firstIndex(where: { $0.id == ticket.id }) else { return [] }
        entries[index].outstanding = max(0, entries[index].outstanding - 1)
        if ticket.isTrial { entries[index].isOnTrial = false }
        switch outcome {
        case .answered(let time):
            if let time { entries[index].noteAnswer(after: time) }
            rehabilitate(index, after: ticket)
            return settle(now: now)
        case .failed(let problem): return failed(index, problem, ticket, now: now) + settle(now: now)
        case .abandoned: return []
        }
    }

    private mutating func failed(
        _ index: Int, _ problem: UpstreamError, _ ticket: Ticket, now: MonotonicInstant
    ) -> [UpstreamAction] {
        switch problem.kind {
        case .lost: return []
        case .refused:
            rehabilitate(index, after: ticket)
            return []
        case .unreachable where entries[index].checkedAt.map({ $0 <= ticket.began }) ?? true:
            // What a probe found out since then counts more.
            entries[index].nextProbe = min(entries[index].nextProbe, now + Self.pauseWhileDown)
            return lower(index, problem.message, now: now)
        case .interrupted:
            entries[index].nextProbe = min(entries[index].nextProbe, now)
            return setAside(index, problem, ticket, now: now)
        case .unreachable, .silent, .garbage, .failed: return setAside(index, problem, ticket, now: now)
        }
    }

    /// Its answers are good again, unless this one answers a request from before they were bad.
    private mutating func rehabilitate(_ index: Int, after ticket: Ticket) {
        if let aside = entries[index].aside, ticket.began < aside.since { return }
        entries[index].badAnswers = 0
        entries[index].aside = nil
    }

    /// What was under way already when it was set aside says nothing new.
    private mutating func setAside(
        _ index: Int, _ problem: UpstreamError, _ ticket: Ticket, now: MonotonicInstant
    ) -> [UpstreamAction] {
        guard entries[index].state == .up else { return [] }
        if let aside = entries[index].aside, ticket.began < aside.since { return [] }
        let pause = Self.asidePause.step(after: entries[index].badAnswers)
        entries[index].badAnswers = min(entries[index].badAnswers + 1, 1_000)
        entries[index].aside = UpstreamEntry.Aside(since: now, until: now + pause, reason: problem.message)
        return [.setAside(entries[index].id, problem.message, for: pause)]
    }

    // MARK: States

    /// Whatever was wrong with its answers, it may have been restarted since.
    private mutating func raise(_ index: Int, now: MonotonicInstant) -> UpstreamAction {
        entries[index].state = .up
        entries[index].since = now
        entries[index].aside = nil
        entries[index].badAnswers = 0
        return .cameUp(entries[index].id)
    }

    private mutating func lower(_ index: Int, _ reason: String, now: MonotonicInstant) -> [UpstreamAction] {
        let before = entries[index].state
        entries[index].state = .down(reason)
        if case .down = before { return [] }
        entries[index].since = now
        return [.wentDown(entries[index].id, reason)]
    }

    private mutating func settle(now: MonotonicInstant) -> [UpstreamAction] {
        let mode: BridgeMode = entries.contains { $0.isAvailable(now: now) } ? .healthy : .degraded
        guard mode != self.mode else { return [] }
        self.mode = mode
        guard mode == .degraded else { return [.mode(mode, reason: nil)] }
        return [.mode(mode, reason: entries.lazy.compactMap { $0.obstacle(now: now) }.first)]
    }
}

/// What a bridge knows of one upstream.
package struct UpstreamEntry: Sendable {
    package enum State: Hashable, Sendable {
        /// Not asked yet. Leaves to `up` or `down`.
        case unknown
        /// Its last answer about its health was a good one. Leaves to `down`.
        case up
        /// Down, and why. Leaves to `up`.
        case down(String)
    }

    /// Why nothing is asked of an upstream that is up.
    struct Aside: Hashable, Sendable {
        var since: MonotonicInstant
        var until: MonotonicInstant
        var reason: String
    }

    /// How much the last answer counts in ``answerTime``.
    static let smoothing = 0.3

    package let id: UpstreamID
    package internal(set) var state = State.unknown
    package internal(set) var since: MonotonicInstant
    /// When it last said, or failed to say, how it is.
    package internal(set) var checkedAt: MonotonicInstant?
    /// What it said last, kept while it is down.
    package internal(set) var health: UpstreamHealth?
    /// When it was last up.
    package internal(set) var lastUp: MonotonicInstant?
    /// Requests under way.
    package internal(set) var outstanding = 0
    /// A moving average over its answers to work.
    package internal(set) var answerTime: Duration?
    /// Answers in a row that could not be used.
    package internal(set) var badAnswers = 0
    var aside: Aside?
    /// Whether one request is finding out how its answers are after it was set aside.
    var isOnTrial = false
    /// When the probe that is under way began.
    var probeBegan: MonotonicInstant?
    var nextProbe: MonotonicInstant

    init(_ id: UpstreamID, now: MonotonicInstant) {
        self.id = id
        since = now
        nextProbe = now
    }

    /// Whether it lives and is not set aside.
    package func isAvailable(now: MonotonicInstant) -> Bool {
        guard state == .up else { return false }
        return aside.map { $0.until <= now } ?? true
    }

    /// Whether a request may go there now.
    func takes(now: MonotonicInstant) -> Bool { isAvailable(now: now) && !isOnTrial }

    /// Why it cannot be asked; `nil` when it can.
    package func obstacle(now: MonotonicInstant) -> String? {
        switch state {
        case .unknown: "not asked yet"
        case .down(let why): why
        case .up: aside.flatMap { now < $0.until ? $0.reason : nil }
        }
    }

    /// How long a request would wait there, in seconds divided by the level's weight.
    var cost: Double {
        let time = max(answerTime ?? .milliseconds(100), .milliseconds(1)).seconds
        return Double(outstanding + 1) * time / max(health?.level ?? 1, 0.1)
    }

    mutating func noteAnswer(after time: Duration) {
        answerTime = answerTime.map { $0 * (1 - Self.smoothing) + time * Self.smoothing } ?? time
    }
}
