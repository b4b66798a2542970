// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What waits to be sent to a collector, and when: a pure value. Bounded; the oldest goes when there is no room.
package struct OTLPQueue: Sendable {
    /// Requests that wait.
    package static let capacity = 2_048
    /// Requests that are sent together.
    package static let batch = 256
    /// How long the first of a batch waits for others.
    package static let pause = Duration.seconds(2)
    /// Tries of a batch.
    package static let tries = 5
    private static let longestWait = Duration.seconds(60)

    package enum Answer: Hashable, Sendable {
        /// The collector has the spans; some it may have refused for good.
        case taken
        /// It wants them later; after how long, if it said so.
        case later(Duration?)
        /// It never takes them.
        case refused
    }

    private var waiting: [TraceRecorder] = []
    /// A batch that is on its way, or waits to be sent again.
    private var current: [TraceRecorder] = []
    private var failures = 0
    private var due: MonotonicInstant?
    private var isSending = false
    /// Requests whose spans were not sent, and never will be.
    package private(set) var dropped = 0

    package init() {}

    /// - Returns: Whether a sleeping sender is to look again.
    package mutating func add(_ recorder: TraceRecorder, now: MonotonicInstant) -> Bool {
        if waiting.count >= Self.capacity {
            waiting.removeFirst()
            dropped += 1
        }
        waiting.append(recorder)
        guard due == nil, !isSending else { return false }
        due = now + Self.pause
        return true
    }

    /// When ``next(now:)`` is to be called; `nil` while there is nothing to send.
    package var nextDue: MonotonicInstant? { isSending ? nil : due }

    /// - Returns: What to send now; ``sent(_:now:)`` must follow.
    package mutating func next(now: MonotonicInstant) -> [TraceRecorder]? {
        guard !isSending, let due, now >= due else { return nil }
        if current.isEmpty {
            current = Array(waiting.prefix(Self.batch))
            waiting.removeFirst(current.count)
        }
        guard !current.isEmpty else {
            self.due = nil
            return nil
        }
        isSending = true
        return current
    }

    package mutating func sent(_ answer: Answer, now: MonotonicInstant) {
        isSending = false
        switch answer {
        case .taken: finish(now: now)
        case .refused:
            dropped += current.count
            finish(now: now)
        case .later(let wait):
            failures += 1
            guard failures < Self.tries else {
                dropped += current.count
                return finish(now: now)
            }
            let usual = Duration.seconds(1 << (failures - 1))
            due = now + min(max(wait ?? usual, .milliseconds(100)), Self.longestWait)
        }
    }

    private mutating func finish(now: MonotonicInstant) {
        current = []
        failures = 0
        due = waiting.isEmpty ? nil : now + (waiting.count >= Self.batch ? .zero : Self.pause)
    }

    /// Everything that is left, for a last try before the node stops.
    package mutating func takeAll() -> [TraceRecorder] {
        defer {
            waiting = []
            current = []
            due = nil
        }
        return current + waiting
    }
}

extension OTLPQueue.Answer {
    /// As OTLP's rules have it: 429, 502, 503 and 504 may be tried again, other refusals never.
    ///
    /// - Parameter retryAfter: The value of `Retry-After`, in seconds; a date counts as none.
    package init(status: Int, retryAfter: String?) {
        switch status {
        case 200..<300: self = .taken
        case 429, 502, 503, 504:
            let seconds = retryAfter.flatMap(Int.init).flatMap { (0...3_600).contains($0) ? $0 : nil }
            self = .later(seconds.map { .seconds($0) })
        default: self = .refused
        }
    }
}
