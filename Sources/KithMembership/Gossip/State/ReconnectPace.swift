// SPDX-License-Identifier: Apache-2.0

/// How often a member that is gone is tried again: quickly at first, then about once a second for as long as people are
/// likely to wait for it, then less and less, but for ever.
package struct ReconnectPace: Sendable, Hashable {
    /// The second try comes after this; the first is made at once.
    package var first = Duration.milliseconds(200)
    /// Pauses double up to this while the member has not been gone for longer than ``patience``.
    package var soonest = Duration.milliseconds(1_200)
    /// Afterwards they grow with the time that it has been gone, up to this.
    package var latest = Duration.seconds(10)
    package var patience = Duration.seconds(300)
    /// With many gone, each is tried less often, so that all tries together come no closer than this.
    package var spacing = Duration.milliseconds(150)

    package init() {}

    /// - Parameters:
    ///   - attempts: Tries since it is gone.
    ///   - gone: How long it has been gone.
    ///   - count: How many members are gone.
    func pause(
        attempts: Int, gone: Duration, count: Int, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let doubled = min(first * (1 << min(attempts, 16)), soonest)
        let late = gone > patience ? min(soonest * min(gone / patience, 1_000), latest) : .zero
        return max(doubled, late, spacing * count) * Double.random(in: 0.8...1.2, using: &generator)
    }
}
