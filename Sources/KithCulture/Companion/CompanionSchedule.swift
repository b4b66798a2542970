// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// When a node may talk with a peer: a pure value.
package struct CompanionSchedule: Sendable {
    package enum Step: Hashable, Sendable {
        case talk
        case wait(Reason, until: MonotonicInstant?)
    }

    package enum Reason: Hashable, Sendable {
        /// The owner paused conversations.
        case paused
        /// The user is here, or was a short while ago.
        case userIsHere
        /// The last exchange was a short while ago.
        case resting
        case talking
        /// The day's budget is spent.
        case budgetSpent
        case hindered(Hindrance)
    }

    /// What keeps a node from talking, besides its user.
    package enum Hindrance: Hashable, Sendable {
        /// This machine runs on its battery, and the owner has not allowed company to use it.
        case onBattery
        /// Every engine that could answer costs money, and the owner has not allowed that.
        case onlyPaidEngines
        /// No engine can answer.
        case noEngine
    }

    /// What became of a conversation.
    package enum End: Hashable, Sendable {
        case kept
        /// Nothing of it was worth keeping.
        case fruitless
        case failed
    }

    package var budget: ExchangeBudget
    package var isPaused = false
    package var hindrance: Hindrance?
    /// Conversations in a row of which nothing was kept, this run.
    package private(set) var fruitless = 0
    private var isTalking = false
    private var restsUntil: MonotonicInstant
    private var failures = 0

    /// The pause between two exchanges while the user stays away is the threshold, a fifth more or less, so that nodes
    /// that were left at the same time do not all talk at the same time.
    private static let jitter = 0.8...1.2
    /// How often the pause is doubled at most, after failures in a row, or after conversations that came to nothing.
    private static let mostDoublings = 4
    /// Conversations in a row that may come to nothing before the pause grows: a good model has such days too.
    private static let fruitlessAllowed = 4

    package init(budget: ExchangeBudget, now: MonotonicInstant) {
        self.budget = budget
        restsUntil = now
    }

    package mutating func step(idle: IdleWatch, now: MonotonicInstant, wall: WallTime) -> Step {
        if isTalking { return .wait(.talking, until: nil) }
        if isPaused { return .wait(.paused, until: nil) }
        guard idle.isIdle(now: now) else { return .wait(.userIsHere, until: idle.idleFrom()) }
        if let hindrance { return .wait(.hindered(hindrance), until: nil) }
        guard now >= restsUntil else { return .wait(.resting, until: restsUntil) }
        if let until = budget.exhaustedUntil(now: wall) {
            return .wait(.budgetSpent, until: now + until.duration(since: wall))
        }
        return .talk
    }

    package mutating func began(wall: WallTime) {
        isTalking = true
        budget.began(now: wall)
    }

    package mutating func ended(
        _ end: End, threshold: Duration, now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) {
        isTalking = false
        failures = end == .failed ? min(failures + 1, Self.mostDoublings) : 0
        switch end {
        case .kept: fruitless = 0
        case .fruitless: fruitless += 1
        case .failed: break
        }
        let backoff = Backoff(
            initial: threshold, maximum: threshold * (1 << Self.mostDoublings), jitter: Self.jitter)
        let lean = min(max(0, fruitless - Self.fruitlessAllowed), Self.mostDoublings)
        restsUntil = now + backoff.delay(after: max(failures, lean), using: &generator)
    }

    /// Call when a user interrupts an exchange, which does not count as a failure.
    package mutating func interrupted(now: MonotonicInstant) {
        isTalking = false
        restsUntil = now
    }
}

/// How much a node may spend on company in a day: an engine may cost money, and every exchange costs somebody else's time.
package struct ExchangeBudget: Hashable, Sendable {
    package struct Limits: Hashable, Sendable {
        /// Exchanges in a day.
        package var exchanges: Int
        /// Tokens in a day, read and made, by this node's mesh.
        package var tokens: Int

        package init(exchanges: Int = 48, tokens: Int = 50_000) {
            self.exchanges = exchanges
            self.tokens = tokens
        }
    }

    package static let day: Int64 = 86_400_000

    package let limits: Limits
    /// Days since 1970, in UTC.
    package private(set) var day: Int64
    package private(set) var exchanges = 0
    package private(set) var tokens = 0

    package init(limits: Limits, now: WallTime) {
        self.limits = limits
        day = Self.day(of: now)
    }

    package init(limits: Limits, day: Int64, exchanges: Int, tokens: Int) {
        self.limits = limits
        self.day = day
        self.exchanges = max(0, exchanges)
        self.tokens = max(0, tokens)
    }

    /// - Returns: When there will be something left; `nil` when there is now.
    package mutating func exhaustedUntil(now: WallTime) -> WallTime? {
        turn(to: now)
        guard exchanges >= limits.exchanges || tokens >= limits.tokens else { return nil }
        return WallTime(milliseconds: (day + 1) * Self.day)
    }

    package mutating func began(now: WallTime) {
        turn(to: now)
        exchanges += 1
    }

    package mutating func spent(_ usage: TokenUsage, now: WallTime) {
        turn(to: now)
        let sum = max(0, usage.promptTokens).addingReportingOverflow(max(0, usage.completionTokens)).partialValue
        tokens = min(tokens + min(max(0, sum), 1_000_000), 1_000_000_000)
    }

    /// A clock that is set back does not give a day twice.
    private mutating func turn(to now: WallTime) {
        let today = Self.day(of: now)
        guard today > day else { return }
        (day, exchanges, tokens) = (today, 0, 0)
    }

    private static func day(of time: WallTime) -> Int64 {
        let (quotient, remainder) = time.milliseconds.quotientAndRemainder(dividingBy: day)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
