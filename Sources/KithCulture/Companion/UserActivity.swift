// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// When the user was here last, and so whether the node may look for company.
package struct IdleWatch: Hashable, Sendable {
    /// The seed's `SOCIAL_IDLE_THRESHOLD_MIN`.
    package let threshold: Duration
    private var lastRequest: MonotonicInstant
    private var running = 0

    package init(threshold: Duration, now: MonotonicInstant) {
        self.threshold = threshold
        lastRequest = now
    }

    package mutating func requestBegan(now: MonotonicInstant) {
        running += 1
        lastRequest = max(lastRequest, now)
    }

    package mutating func requestEnded(now: MonotonicInstant) {
        running = max(0, running - 1)
        lastRequest = max(lastRequest, now)
    }

    package var isServing: Bool { running > 0 }

    /// The time since the last request; zero while there is one.
    package func idle(now: MonotonicInstant) -> Duration { running > 0 ? .zero : max(.zero, now - lastRequest) }

    package func isIdle(now: MonotonicInstant) -> Bool { running == 0 && now - lastRequest >= threshold }

    /// From when on the node is idle if no request comes; `nil` while a user is served.
    package func idleFrom() -> MonotonicInstant? { running > 0 ? nil : lastRequest + threshold }
}

/// Knows whether a user is being served, and cancels work that gives way as soon as one is.
package final class UserActivity: UserPresence {
    private struct State {
        var watch: IdleWatch
        var lastID: UInt64 = 0
        /// Cancels each piece of work that gives way.
        var cancels: [UInt64: @Sendable () -> Void] = [:]
    }

    private let clock: any TimeSource
    private let state: Mutex<State>

    package init(threshold: Duration, clock: any TimeSource) {
        self.clock = clock
        state = Mutex(State(watch: IdleWatch(threshold: threshold, now: clock.now)))
    }

    package var idle: IdleWatch { state.withLock(\.watch) }

    /// The user counts as being served as long as the returned value is kept.
    package func begin() -> any Sendable {
        let cancels = state.withLock { state in
            state.watch.requestBegan(now: clock.now)
            return state.cancels.isEmpty ? [] : Array(state.cancels.values)
        }
        for cancel in cancels { cancel() }
        return Visit(activity: self)
    }

    /// Does work that gives way to a user: it is cancelled when a request comes, and not begun while one is served.
    ///
    /// - Throws: What `work` throws; `CancellationError`.
    package func givingWay<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let task = Task { try await work() }
        // Under the lock that `begin()` takes too, so that no request goes unnoticed.
        let id = state.withLock { state -> UInt64? in
            guard !state.watch.isServing else { return nil }
            state.lastID += 1
            state.cancels[state.lastID] = { task.cancel() }
            return state.lastID
        }
        guard let id else {
            task.cancel()
            throw CancellationError()
        }
        defer { state.withLock { $0.cancels[id] = nil } }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    fileprivate func ended() { state.withLock { $0.watch.requestEnded(now: clock.now) } }

    private final class Visit: Sendable {
        private let activity: UserActivity

        init(activity: UserActivity) { self.activity = activity }

        deinit { activity.ended() }
    }
}
