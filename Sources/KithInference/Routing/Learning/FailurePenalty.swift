// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What recent failures add to a candidate's wait: a node that fails fast must not look idle.
package struct FailurePenalty: Sendable {
    /// A failure counts as a wait of this length, halved every ten seconds.
    package static let each = Duration.seconds(30)
    package static let most = FailurePenalty.each * 4
    package static let halfLife = Duration.seconds(10)

    private var penalty = Duration.zero
    private var notedAt = Moment.zero

    package init() {}

    package mutating func failed(now: Moment) {
        penalty = min(left(now: now) + Self.each, Self.most)
        notedAt = now
    }

    package func left(now: Moment) -> Duration {
        guard penalty > .zero else { return .zero }
        let left = penalty * Fading.left(after: now - notedAt, halfLife: Self.halfLife)
        return left < .milliseconds(1) ? .zero : left
    }
}
