// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Knows whether the user is here; told by everything that serves one. Its answers never wait.
package final class UserActivity: UserPresence {
    private let clock: any TimeSource
    private let watch: Mutex<IdleWatch>
    private let onArrival = Callback<Void>()

    package init(threshold: Duration, clock: any TimeSource) {
        self.clock = clock
        watch = Mutex(IdleWatch(threshold: threshold, now: clock.now))
    }

    package var idle: IdleWatch { watch.withLock { $0 } }

    /// - Parameter onArrival: Told of the first of the requests that run; must not wait.
    package func whenUserComes(_ onArrival: @escaping @Sendable () -> Void) { self.onArrival.set { _ in onArrival() } }

    /// The user is served as long as what this returns is kept.
    package func begin() -> any Sendable {
        let isFirst = watch.withLock { watch in
            let isFirst = !watch.isServing
            watch.requestBegan(now: clock.now)
            return isFirst
        }
        if isFirst { onArrival(()) }
        return Visit(activity: self)
    }

    fileprivate func ended() { watch.withLock { $0.requestEnded(now: clock.now) } }

    private final class Visit: Sendable {
        private let activity: UserActivity

        init(activity: UserActivity) { self.activity = activity }

        deinit { activity.ended() }
    }
}
