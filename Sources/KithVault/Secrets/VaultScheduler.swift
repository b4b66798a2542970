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

    /// Adds secrets to be read, or to be read again because more of their fields are wanted.
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

/// Decides when to ask Vault about a token, so that it is renewed before it ends, or replaced where it cannot be
/// renewed.
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
        /// Nothing is to be asked before this time; `nil` stands for never.
        case wait(until: MonotonicInstant?)
    }

    private struct Plan: Hashable {
        var question: Question
        var at: MonotonicInstant
    }

    /// A token at least this old may have been revoked when it is denied something.
    private static let newFor = Duration.seconds(60)
    /// The least time between two requests about a token that seems to live for moments only.
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

    /// When the token ends; `nil` for never, or when that is not known.
    package var ends: MonotonicInstant? { lease?.duration.map { since + $0 } }

    /// Whether something can be read with the token. A token that the owner gave may be good whatever is known of it.
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
        // A renewal that does not move the end has met the largest TTL.
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
            plan = Plan(question: .lookUp, at: now + Backoff.lasting.delay(after: failures - 1, using: &generator))
        case (_, .denied):
            plan = Plan(question: question, at: now + Backoff.lasting.delay(after: failures - 1, using: &generator))
        case (_, .unavailable):
            plan = Plan(question: question, at: now + Backoff.passing.delay(after: failures - 1, using: &generator))
        }
    }

    /// Takes note that the token was denied a read: it may have been revoked, and then only another one helps.
    package mutating func wasDenied(at now: MonotonicInstant) {
        guard method == .appRole, now - since >= Self.newFor, plan?.question != .logIn else { return }
        plan = Plan(question: .logIn, at: now)
    }
}

/// Decides when to read one secret again. A pure value.
package struct ReadSchedule: Hashable, Sendable {
    /// A rotated secret is noticed after this time even if the old one is never refused.
    package static let interval = Duration.seconds(300)
    /// The least time between two reads, however often the secret is refused where it is used.
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
        let backoff: Backoff = setback == .denied ? .lasting : .passing
        due = now + backoff.delay(after: failures - 1, using: &generator)
    }

    /// Takes note that the secret was refused where it was used.
    package mutating func hurry(at now: MonotonicInstant) {
        due = min(due, max(now, lastRead.map { $0 + Self.shortestPause } ?? now))
    }
}

extension Backoff {
    /// For errors that may pass by themselves, such as a sealed Vault; that it was unsealed is noticed within seconds.
    fileprivate static let passing = Backoff(initial: .milliseconds(500), maximum: .seconds(4), jitter: 0.5...1)
    /// For errors that only a person can fix.
    fileprivate static let lasting = Backoff(initial: .seconds(5), maximum: .seconds(60), jitter: 0.5...1)
}
