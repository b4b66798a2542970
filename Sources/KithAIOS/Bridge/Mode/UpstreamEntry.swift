// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a bridge knows of one upstream.
package struct UpstreamEntry: Sendable {
    package enum State: Hashable, Sendable {
        /// Not asked yet. Leaves to `up` or `down`.
        case unknown
        /// Its last answer about its health was a good one. Leaves to `down`.
        case up
        /// And why. Leaves to `up`.
        case down(String)
    }

    /// Why nothing is asked of an upstream that is up.
    struct Aside: Hashable, Sendable {
        var since: Moment
        var until: Moment
        var reason: String
    }

    /// How much the last answer counts in ``answerTime``.
    static let smoothing = 0.3

    package let id: UpstreamID
    package internal(set) var state = State.unknown
    package internal(set) var since: Moment
    /// When it last said, or failed to say, how it is.
    package internal(set) var checkedAt: Moment?
    /// What it said last, kept while it is down.
    package internal(set) var health: UpstreamHealth?
    /// When it was last up.
    package internal(set) var lastUp: Moment?
    /// Requests under way.
    package internal(set) var outstanding = 0
    /// A moving average over its answers to work.
    package internal(set) var answerTime: Duration?
    /// Answers in a row that could not be used.
    package internal(set) var badAnswers = 0
    var aside: Aside?
    /// Whether one request finds out how its answers are after it was set aside.
    var isOnTrial = false
    /// When the probe that is under way began.
    var probeBegan: Moment?
    var nextProbe: Moment

    init(_ id: UpstreamID, now: Moment) {
        self.id = id
        since = now
        nextProbe = now
    }

    /// Whether it lives and is not set aside.
    package func isAvailable(now: Moment) -> Bool {
        guard state == .up else { return false }
        return aside.map { $0.until <= now } ?? true
    }

    /// Whether a request may go there now.
    func takes(now: Moment) -> Bool { isAvailable(now: now) && !isOnTrial }

    /// What stands in the way; `nil` when nothing does.
    package func obstacle(now: Moment) -> String? {
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
