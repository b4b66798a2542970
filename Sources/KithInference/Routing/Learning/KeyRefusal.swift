// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A key that a candidate refuses again and again: the owner has to mend it, and meanwhile it is asked ever more seldom.
///
/// One refusal holds nobody back: it may be one request's, and the error says what is wrong.
package struct KeyRefusal: Sendable {
    package static let firstHold = Duration.seconds(1)
    package static let longestHold = Duration.seconds(60)

    private var count = 0
    private var notedAt = Moment.zero
    private var until = Moment.zero

    package init() {}

    /// - Parameter sentAt: When the refused request was sent; one that was on its way when another was refused says
    ///   nothing new.
    package mutating func refused(sentAt: Moment, now: Moment) {
        if count > 0, sentAt <= notedAt { return }
        count = min(count + 1, 64)
        notedAt = now
        guard count > 1 else { return }
        until = now + min(Self.firstHold * (1 << min(count - 2, 8)), Self.longestHold)
    }

    /// Until when it is not asked; `nil` when it may be.
    package func hold(now: Moment) -> Moment? { now < until ? until : nil }
}
