// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import KithModel
package import KithStore
import Synchronization

/// What callers may use, and what they have used: of one node, for all of its listeners.
///
/// Neither waits nor blocks for longer than it takes to look something up; what was used is written every few seconds.
package final class CallerLimits: Sendable {
    /// What holds for callers whatever their keys say.
    package struct Rates: Hashable, Sendable {
        /// Of `/api/generate`, for a key without a rate of its own, and for callers from other machines.
        package var generate: RequestRate?
        /// Of one address of another machine, whatever it asks for and whether it has a key or not.
        package var address: RequestRate?

        package init(generate: RequestRate? = nil, address: RequestRate? = nil) {
            self.generate = generate
            self.address = address
        }
    }

    /// What was counted for a request that is let through, and what remains; the answer says it.
    package struct Pace: Hashable, Sendable {
        var verdict: RateVerdict
        var counted: LimitRefusal.Counted

        package var fields: HTTPFields { .rate(verdict, counted) }

        /// Adds what a route that counts more narrowly has not told already.
        package func tell(_ headers: inout HTTPFields) {
            for field in fields where headers[field.name] == nil { headers[field.name] = field.value }
        }
    }

    private let rates: Rates
    private let clock: any TimeSource
    private let wallClock: @Sendable () -> WallTime
    private let store: Store?
    private let table = Mutex(RateTable())
    private let book: Mutex<UsageBook>

    /// - Parameters:
    ///   - store: Where usage is kept; without it, it is known until this is gone.
    ///   - used: Tokens that each caller has used today; see ``load(rates:store:clock:)``.
    package init(
        rates: Rates = Rates(), store: Store? = nil, used: [String: Int] = [:],
        clock: any TimeSource = MonotonicClock(), wallClock: @escaping @Sendable () -> WallTime = { .now() }
    ) {
        self.rates = rates
        self.store = store
        self.clock = clock
        self.wallClock = wallClock
        book = Mutex(UsageBook(used: used, on: UTCDay(wallClock())))
    }

    /// - Throws: `StoreError`.
    package static func load(rates: Rates, store: Store, clock: any TimeSource) async throws -> CallerLimits {
        CallerLimits(
            rates: rates, store: store, used: try await store.tokensUsed(on: UTCDay(.now())), clock: clock)
    }

    // MARK: How often

    /// Counts a request from another machine, before its caller is known. Those that a proxy of this machine passes on, whose
    /// word does not count, are counted together.
    package func countAddress(_ source: @autoclosure () -> RequestSource) throws(LimitRefusal) {
        guard let rate = rates.address else { return }
        let source = source()
        guard let address = source.address, !address.isLoopback || !source.mayBeOfThisMachine else { return }
        try allow(rate, .address, Self.subject(address.subscriber, .address))
    }

    /// Counts a request of a caller.
    ///
    /// - Parameter source: The address it comes from; asked for where it matters.
    /// - Returns: What is left; `nil` where nothing is counted.
    package func count(
        _ caller: Principal, from source: @autoclosure () -> AddressRange?
    ) throws(LimitRefusal) -> Pace? {
        guard case .key(let key) = caller else { return nil }
        if !key.limits.addresses.isEmpty {
            guard let source = source(), key.limits.addresses.contain(source) else { throw .addressNotAllowed }
        }
        guard let rate = key.limits.rate else { return nil }
        return try allow(rate, .key, Self.subject(key.id, .key))
    }

    /// Counts a request for text in the seeds' form, which is limited by default: of each key that has no rate of its own,
    /// and of each other machine whose requests need none.
    ///
    /// - Returns: What is left; `nil` where nothing is counted, as for programs on this machine without a key.
    package func countGeneration(
        _ caller: Principal, from source: @autoclosure () -> AddressRange?
    ) throws(LimitRefusal) -> Pace? {
        guard let rate = rates.generate else { return nil }
        switch caller {
        case .control: return nil
        case .key(let key):
            guard key.limits.rate == nil else { return nil }
            return try allow(rate, .generate, Self.subject(key.id, .generate))
        case .local:
            guard let source = source(), !source.isLoopback else { return nil }
            return try allow(rate, .generate, Self.subject(source.subscriber, .generate))
        }
    }

    /// Whether a key may be used from an address; counts nothing.
    package func admits(_ caller: Principal, from source: @autoclosure () -> AddressRange?) -> Bool {
        guard case .key(let key) = caller, !key.limits.addresses.isEmpty else { return true }
        return source().map(key.limits.addresses.contain) ?? false
    }

    @discardableResult
    private func allow(
        _ rate: RequestRate, _ counted: LimitRefusal.Counted, _ subject: Int
    ) throws(LimitRefusal) -> Pace {
        let now = clock.now
        let verdict = table.withLock { $0.decide(subject, rate, now: now) }
        guard verdict.isAllowed else { throw .tooOften(verdict, counted) }
        return Pace(verdict: verdict, counted: counted)
    }

    private static func subject(_ who: some Hashable, _ counted: LimitRefusal.Counted) -> Int {
        var hasher = Hasher()
        hasher.combine(counted)
        hasher.combine(who)
        return hasher.finalize()
    }

    // MARK: How much

    /// Lets a request of a caller begin to use engines, or refuses it.
    ///
    /// - Parameters:
    ///   - tokens: What it may use, about; asked for where it matters.
    ///   - wish: A lower priority than its key has; a higher one is not given.
    package func grant(
        _ caller: Principal, tokens: @autoclosure () -> Int = 0, wish: RequestPriority? = nil
    ) throws(LimitRefusal) -> CallerGrant {
        let limits = caller.limits
        let holder = caller.holder
        let now = wallClock()
        let wanted = limits.tokensPerDay == nil ? 0 : tokens()
        let begun = book.withLock { $0.begin(holder, limits: limits, tokens: wanted, now: now) }
        let claimed: Int
        switch begun {
        case .success(let tokens): claimed = tokens
        case .failure(let refusal): throw LimitRefusal(refusal)
        }
        let claim = UsageClaim { [weak self] use in
            guard let self else { return }
            let now = wallClock()
            book.withLock { $0.end(holder, claim: claimed, use: use, now: now) }
        }
        return CallerGrant(claim: claim, priority: min(limits.priority, wish ?? limits.priority))
    }

    // MARK: What was used

    /// Tokens that a caller has used today.
    package func tokensToday(of holder: String) -> Int {
        let day = UTCDay(wallClock())
        return book.withLock { $0.tokens(of: holder, on: day) }
    }

    /// What was used from one day to another, both included, with what is not on disk yet; the newest day first.
    ///
    /// - Parameter holder: Whose requests; `nil` for all.
    /// - Throws: `StoreError`.
    package func usage(
        from first: UTCDay, to last: UTCDay, of holder: String? = nil
    ) async throws -> [(subject: UsageSubject, count: UsageCount)] {
        try await flush()
        guard let store else {
            let unsaved = book.withLock(\.unsaved)
            return unsaved.filter {
                (first...max(first, last)).contains($0.key.day) && (holder ?? $0.key.holder) == $0.key.holder
            }.map { ($0.key, $0.value) }
        }
        return try await store.usage(from: first, to: last, of: holder)
    }

    /// Writes what is only in memory.
    ///
    /// - Throws: `StoreError`; nothing is lost then, and the next time tries again.
    package func flush() async throws {
        guard let store else { return }
        let counts = book.withLock { $0.takeUnsaved() }
        guard !counts.isEmpty else { return }
        do {
            try await store.addUsage(counts, today: UTCDay(wallClock()))
        } catch {
            book.withLock { $0.restore(counts) }
            throw error
        }
    }

    /// Writes every ``StoreLimits/flushInterval`` until the task is cancelled, and then once more.
    ///
    /// - Parameter report: Called for each time that failed.
    package func run(report: @Sendable (any Error) -> Void) async {
        var isRunning = true
        while isRunning {
            do { try await clock.sleep(forAbout: StoreLimits.flushInterval) } catch { isRunning = false }
            do { try await flush() } catch { report(error) }
        }
    }
}

/// What a request that may begin is given.
package struct CallerGrant: Sendable {
    package let claim: UsageClaim
    package let priority: RequestPriority
}

extension ChatRequest {
    /// Puts the request on the account of whoever was granted it.
    package mutating func take(_ grant: CallerGrant) { (claim, priority) = (grant.claim, grant.priority) }
}

extension Principal {
    /// What it may use at most.
    package var limits: KeyLimits { if case .key(let key) = self { key.limits } else { KeyLimits() } }

    /// By what its usage is counted.
    package var holder: String {
        switch self {
        case .local: UsageSubject.local
        case .control: UsageSubject.owner
        case .key(let key): key.id
        }
    }
}
