// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What to ask Vault next: about the token first, then for the secrets that are due. A pure value.
struct VaultScheduler: Sendable {
    enum Step: Hashable {
        case ask(LeaseKeeper.Question)
        /// A path.
        case read(String)
        case wait(until: MonotonicInstant?)
    }

    var lease: LeaseKeeper
    private(set) var reads: [String: ReadSchedule] = [:]

    init(lease: LeaseKeeper) { self.lease = lease }

    /// Adds what is to be read, or read anew because more of it is wanted.
    mutating func add(_ paths: some Sequence<String>, at now: MonotonicInstant) {
        for path in paths { reads[path] = ReadSchedule(at: now) }
    }

    mutating func update(_ path: String, _ change: (inout ReadSchedule) -> Void) {
        guard var schedule = reads[path] else { return }
        change(&schedule)
        reads[path] = schedule
    }

    func next(at now: MonotonicInstant) -> Step {
        guard !reads.isEmpty else { return .wait(until: nil) }
        let until: MonotonicInstant?
        switch lease.next(at: now) {
        case .ask(let question): return .ask(question)
        case .wait(let moment): until = moment
        }
        guard lease.isUsable(at: now), let first = reads.min(by: { ($0.value.due, $0.key) < ($1.value.due, $1.key) })
        else { return .wait(until: until) }
        if first.value.due <= now { return .read(first.key) }
        return .wait(until: until.map { min($0, first.value.due) } ?? first.value.due)
    }
}

/// Decides when to ask Vault about a token, so that it is renewed before it ends and another is got where it cannot be.
/// A pure value.
package struct LeaseKeeper: Hashable, Sendable {
    package enum Method: Hashable, Sendable {
        /// The owner gave a token: there is no other.
        case token
        case appRole
    }

    package enum Question: Hashable, Sendable {
        case logIn
        /// How long the token is good for.
        case lookUp
        case renew
    }

    package enum Setback: Hashable, Sendable {
        /// Vault answered no.
        case denied
        /// Vault did not answer, or not as itself.
        case unavailable
    }

    package enum Step: Hashable, Sendable {
        case ask(Question)
        /// Nothing is to be asked before; `nil` when nothing ever is.
        case wait(until: MonotonicInstant?)
    }

    private struct Plan: Hashable {
        var question: Question
        var at: MonotonicInstant
    }

    /// A token got this long ago or longer may have been revoked when it is denied something.
    private static let newFor = Duration.seconds(60)
    /// Between two questions about a token that seems to live for moments only.
    private static let shortestPause = Duration.seconds(1)

    private let method: Method
    private var plan: Plan?
    private var lease: VaultLease?
    private var since: MonotonicInstant
    private var failures = 0

    package init(method: Method, at now: MonotonicInstant) {
        self.method = method
        plan = Plan(question: method == .token ? .lookUp : .logIn, at: now)
        since = now
    }

    package func next(at now: MonotonicInstant) -> Step {
        guard let plan else { return .wait(until: nil) }
        return now < plan.at ? .wait(until: plan.at) : .ask(plan.question)
    }

    /// When the token ends; `nil` for never, or when nobody knows.
    package var ends: MonotonicInstant? { lease?.duration.map { since + $0 } }

    /// Whether something can be read with the token. One that the owner gave may be good whatever is known of it.
    package func isUsable(at now: MonotonicInstant) -> Bool {
        guard method == .appRole else { return true }
        return lease != nil && ends.map { now < $0 } ?? true
    }

    /// Whether the token ends, and nothing that can be done here keeps it.
    package var isEnding: Bool { method == .token && plan == nil && ends != nil }

    package mutating func answered(_ question: Question, _ granted: VaultLease, at now: MonotonicInstant) {
        let previousEnd = ends
        failures = 0
        lease = granted
        since = now
        // A renewal that moves the end by nothing has met the largest TTL.
        let isStuck =
            question == .renew && granted.duration != nil && (ends ?? now) - (previousEnd ?? now) < .seconds(1)
        plan = granted.duration.flatMap { duration in
            let due = now + max(duration * 2 / 3, Self.shortestPause)
            if granted.isRenewable, !isStuck { return Plan(question: .renew, at: due) }
            return method == .appRole ? Plan(question: .logIn, at: due) : nil
        }
    }

    package mutating func failed(
        _ question: Question, _ setback: Setback, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) {
        failures = min(failures + 1, 64)
        let isOver = ends.map { $0 <= now } ?? false
        switch (question, setback) {
        case (.renew, .denied) where method == .appRole, (.renew, .unavailable) where method == .appRole && isOver:
            failures = 0
            plan = Plan(question: .logIn, at: now)
        case (.renew, .denied):
            plan = Plan(question: .lookUp, at: now + RetryPace.lasting.delay(after: failures, using: &generator))
        case (_, .denied):
            plan = Plan(question: question, at: now + RetryPace.lasting.delay(after: failures, using: &generator))
        case (_, .unavailable):
            plan = Plan(question: question, at: now + RetryPace.passing.delay(after: failures, using: &generator))
        }
    }

    /// Takes note that the token was not let read: it may have been revoked, and then only another helps.
    package mutating func wasDenied(at now: MonotonicInstant) {
        guard method == .appRole, now - since >= Self.newFor, plan?.question != .logIn else { return }
        plan = Plan(question: .logIn, at: now)
    }
}

/// Decides when to read one secret again. A pure value.
package struct ReadSchedule: Hashable, Sendable {
    /// A rotated secret is noticed after this long without anybody's complaint.
    package static let interval = Duration.seconds(300)
    /// Between two readings, however often a secret is refused where it is shown.
    package static let shortestPause = Duration.seconds(10)

    package private(set) var due: MonotonicInstant
    private var lastRead: MonotonicInstant?
    private var failures = 0

    package init(at now: MonotonicInstant) { due = now }

    package mutating func succeeded(at now: MonotonicInstant) {
        failures = 0
        lastRead = now
        due = now + Self.interval
    }

    package mutating func failed(
        _ setback: LeaseKeeper.Setback, at now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) {
        failures = min(failures + 1, 64)
        let pace: RetryPace = setback == .denied ? .lasting : .passing
        due = now + pace.delay(after: failures, using: &generator)
    }

    /// Takes note that the secret was refused where it was shown.
    package mutating func hurry(at now: MonotonicInstant) {
        due = min(due, max(now, lastRead.map { $0 + Self.shortestPause } ?? now))
    }
}

/// How long to wait before something is tried again: exponential, with jitter.
struct RetryPace: Hashable, Sendable {
    /// For what may pass by itself, such as a Vault that is unsealed: found out within seconds.
    static let passing = RetryPace(first: .milliseconds(500), most: .seconds(4))
    /// For what somebody must change.
    static let lasting = RetryPace(first: .seconds(5), most: .seconds(60))

    var first: Duration
    var most: Duration

    /// - Parameter failures: in a row, at least 1.
    /// - Returns: Between half of the step and the whole of it; the steps double up to ``most``.
    func delay(after failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        var step = first
        for _ in 1..<max(failures, 2) where failures > 1 && step < most { step *= 2 }
        return min(step, most) * Double.random(in: 0.5...1, using: &generator)
    }
}
