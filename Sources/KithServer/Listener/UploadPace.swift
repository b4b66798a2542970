// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Whether a body that a client sends goes on. One that flows may take its time; one that hardly does, or never ends, holds a
/// connection for nothing.
package struct UploadPace {
    package struct Limits: Sendable {
        /// At least ``bytes`` come in each of these times.
        var window: TimeAmount
        var bytes: Int
        /// From its first piece to its end.
        var whole: TimeAmount
    }

    private let limits: Limits
    private let end: NIODeadline
    private var bytes = 0
    /// When to ask next whether the body is overdue.
    package private(set) var nextCheck: NIODeadline

    /// The first piece has come, and more is to follow.
    package init(limits: Limits, now: NIODeadline) {
        self.limits = limits
        end = now + limits.whole
        nextCheck = min(now + limits.window, end)
    }

    /// A piece of the body has come.
    package mutating func piece(_ count: Int) {
        bytes = min(limits.bytes, bytes + min(max(count, 0), limits.bytes))
    }

    /// Nothing was read meanwhile, so that the client could not send: the time that is watched begins anew.
    mutating func paused(now: NIODeadline) {
        bytes = 0
        nextCheck = min(now + limits.window, end)
    }

    /// Whether too little has come, or the whole takes too long. Sets the next check when neither is so.
    package mutating func isOverdue(now: NIODeadline) -> Bool {
        if now >= end { return true }
        guard now >= nextCheck else { return false }
        if bytes < limits.bytes { return true }
        paused(now: now)
        return false
    }
}

extension UploadPace.Limits {
    package init(_ limits: ConnectionLimits) {
        self.init(
            window: TimeAmount(limits.body), bytes: limits.bodyBytes, whole: TimeAmount(limits.wholeBody))
    }
}
