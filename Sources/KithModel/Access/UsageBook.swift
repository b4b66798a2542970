// SPDX-License-Identifier: Apache-2.0

/// What every caller has used, until it is on disk, and what limits of the day and at once leave: a pure value.
package struct UsageBook: Sendable {
    /// Subjects that are counted apart until they are on disk; the rest are counted as others.
    package static let pendingLimit = 4_096
    /// Callers that are remembered; there are no more keys than this.
    package static let holderLimit = 2_048

    /// Why a request may not begin.
    package enum Refusal: Error, Hashable, Sendable {
        /// So many are under way, and no more may be.
        case tooManyAtOnce(Int)
        /// The day's tokens are used up, and when the next day begins.
        case tokensUsedUp(Int, in: Duration)
        /// What is under way may use up the rest of the day's tokens.
        case tokensClaimed(Int)
    }

    private struct Holder {
        var day: UTCDay
        /// Tokens of the day.
        var used = 0
        /// Tokens that requests under way may use.
        var claimed = 0
        var running = 0

        /// A clock that is set back by a day does not give that day's tokens again. One that was ahead by more was wrong.
        mutating func turn(to day: UTCDay) {
            guard day > self.day || self.day.advanced(by: -1) > day else { return }
            (self.day, used) = (day, 0)
        }
    }

    private var holders: [String: Holder] = [:]
    private var pending: [UsageSubject: UsageCount] = [:]

    /// - Parameter used: Tokens that each caller has used on `day`.
    package init(used: [String: Int] = [:], on day: UTCDay = UTCDay(number: 0)) {
        holders = used.mapValues { Holder(day: day, used: max(0, $0)) }
    }

    // MARK: Requests

    /// A request wants to begin.
    ///
    /// - Parameter tokens: What it may use, about; of what is left, no more is claimed than that.
    /// - Returns: The tokens it has claimed, to be given back when it ends.
    package mutating func begin(
        _ holder: String, limits: KeyLimits, tokens: Int, now: WallTime
    ) -> Result<Int, Refusal> {
        let day = UTCDay(now)
        if holders[holder] == nil, holders.count >= Self.holderLimit {
            holders = holders.filter { $0.value.running > 0 || $0.value.day >= day }
        }
        var account = holders[holder] ?? Holder(day: day)
        account.turn(to: day)
        if let limit = limits.concurrent, account.running >= limit {
            return .failure(.tooManyAtOnce(limit))
        }
        var claim = 0
        if let limit = limits.tokensPerDay {
            guard account.used < limit else {
                let wait = account.day.advanced(by: 1).start.duration(since: now)
                return .failure(.tokensUsedUp(limit, in: max(wait, .seconds(1))))
            }
            let left = limit - account.used - account.claimed
            guard left > 0 else { return .failure(.tokensClaimed(limit)) }
            claim = min(max(1, tokens), left)
        }
        account.claimed += claim
        account.running += 1
        holders[holder] = account
        return .success(claim)
    }

    /// A request has ended.
    ///
    /// - Parameter use: `nil` when no engine worked on it.
    package mutating func end(_ holder: String, claim: Int, use: RequestUse?, now: WallTime) {
        let day = UTCDay(now)
        var account = holders[holder] ?? Holder(day: day)
        account.turn(to: day)
        account.claimed = max(0, account.claimed - claim)
        account.running = max(0, account.running - 1)
        if let use {
            account.used = UsageCount.sum(account.used, use.tokens)
            add(
                UsageCount(use),
                to: UsageSubject(
                    day: account.day, holder: holder, model: use.model.rawValue, node: use.node?.rawValue ?? ""))
        }
        holders[holder] = account
    }

    /// Tokens that a caller has used on a day.
    package func tokens(of holder: String, on day: UTCDay) -> Int {
        holders[holder].map { $0.day == day ? $0.used : 0 } ?? 0
    }

    // MARK: Keeping

    /// What is not on disk yet.
    package var unsaved: [UsageSubject: UsageCount] { pending }

    package mutating func takeUnsaved() -> [UsageSubject: UsageCount] {
        defer { pending = [:] }
        return pending
    }

    /// What could not be written is counted again.
    package mutating func restore(_ counts: [UsageSubject: UsageCount]) {
        for (subject, count) in counts { add(count, to: subject) }
    }

    /// Where too many are told apart, the others are counted together.
    private mutating func add(_ count: UsageCount, to subject: UsageSubject) {
        var subject = subject
        if pending[subject] == nil, pending.count >= Self.pendingLimit {
            (subject.model, subject.node) = (UsageSubject.others, UsageSubject.others)
        }
        pending[subject, default: UsageCount()] += count
    }
}
