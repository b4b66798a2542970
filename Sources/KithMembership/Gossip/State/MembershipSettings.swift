// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The times and counts of membership. The presets differ in how slow and how lossy the network between members may be.
package struct MembershipSettings: Sendable, Hashable {
    /// One member is probed in each.
    package var probeInterval = Duration.seconds(1)
    /// How long an acknowledgement may take before others are asked.
    package var probeTimeout = Duration.milliseconds(500)
    /// How many others are asked to probe on this node's behalf.
    package var indirectProbes = 3
    /// How many probes that cannot wait for their turn run at the same time.
    package var parallelProbes = 16
    /// How long an answer is waited for before the exchange is given up; late answers count as signs of life.
    package var answerTimeout = Duration.seconds(2)

    /// A suspicion lasts this long when all members that could confirm it have done so, or ``confirmations`` of them.
    package var suspicionMinimum = Duration.seconds(3)
    /// A suspicion that nobody confirms lasts this long.
    package var suspicionMaximum = Duration.seconds(8)
    /// How many confirmations bring a suspicion down to its minimum; at most 8.
    package var confirmations = 3
    /// After nobody listened at any address, the next probe waits this long.
    package var refusedPause = Duration.milliseconds(200)
    /// How long a suspicion lasts when nobody listened twice in a row.
    package var refusedSuspicion = Duration.milliseconds(500)
    /// The highest value of the local health multiplier: intervals and timeouts grow up to this many times plus one.
    package var healthLimit = 3

    package var gossipInterval = Duration.milliseconds(200)
    package var gossipFanout = 3
    /// A rumour is told this many times, times the number of digits of the size of the mesh.
    package var rumourFactor = 4
    /// How many bytes of rumours one packet carries.
    package var rumourBytes = 16_384
    /// All that is known is compared with one random member.
    package var exchangeInterval = Duration.seconds(30)
    /// A declaration that keeps changing is told once in this time, and less often in a large mesh.
    package var declarationInterval = Duration.seconds(1)

    package var reconnect = ReconnectPace()

    /// A wake-up that comes this much too late means that the process was stopped.
    package var latenessTolerance = Duration.milliseconds(250)
    /// After a stop of this length everybody is probed at once.
    package var longStop = Duration.seconds(2)
    /// How many members are told goodbye; the others hear it from them.
    package var goodbyeFanout = 64

    package init() {}

    /// Members in one building.
    package static let lan = MembershipSettings()

    /// Members that talk across the internet.
    package static let wan: MembershipSettings = {
        var settings = MembershipSettings()
        settings.probeInterval = .seconds(5)
        settings.probeTimeout = .seconds(3)
        settings.answerTimeout = .seconds(6)
        settings.suspicionMinimum = .seconds(15)
        settings.suspicionMaximum = .seconds(60)
        settings.refusedPause = .seconds(1)
        settings.refusedSuspicion = .seconds(2)
        settings.gossipInterval = .milliseconds(500)
        settings.exchangeInterval = .seconds(60)
        settings.reconnect.soonest = .seconds(4)
        settings.reconnect.latest = .seconds(60)
        settings.latenessTolerance = .seconds(1)
        settings.longStop = .seconds(10)
        return settings
    }()

    /// Several nodes on one machine.
    package static let local: MembershipSettings = {
        var settings = MembershipSettings()
        settings.probeTimeout = .milliseconds(250)
        settings.suspicionMinimum = .seconds(2)
        settings.suspicionMaximum = .seconds(5)
        settings.refusedPause = .milliseconds(100)
        settings.gossipInterval = .milliseconds(100)
        settings.exchangeInterval = .seconds(15)
        return settings
    }()
}

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
        let doubled = Backoff(initial: first, maximum: soonest).step(after: attempts)
        let late = gone > patience ? min(soonest * min(gone / patience, 1_000), latest) : .zero
        return max(doubled, late, spacing * count) * Double.random(in: 0.8...1.2, using: &generator)
    }
}
