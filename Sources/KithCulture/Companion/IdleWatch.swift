// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// When the user was here last, and so whether the node may look for company.
package struct IdleWatch: Hashable, Sendable {
    /// The seed's `SOCIAL_IDLE_THRESHOLD_MIN`.
    package let threshold: Duration
    private var lastRequest: Moment
    private var running = 0

    package init(threshold: Duration, now: Moment) {
        self.threshold = threshold
        lastRequest = now
    }

    package mutating func requestBegan(now: Moment) {
        running += 1
        lastRequest = max(lastRequest, now)
    }

    package mutating func requestEnded(now: Moment) {
        running = max(0, running - 1)
        lastRequest = max(lastRequest, now)
    }

    package var isServing: Bool { running > 0 }

    /// Since the last request; zero while there is one.
    package func idle(now: Moment) -> Duration { running > 0 ? .zero : max(.zero, now - lastRequest) }

    package func isIdle(now: Moment) -> Bool { running == 0 && now - lastRequest >= threshold }

    /// When it will be idle if nothing comes; `nil` while somebody is served.
    package func idleFrom() -> Moment? { running > 0 ? nil : lastRequest + threshold }
}
