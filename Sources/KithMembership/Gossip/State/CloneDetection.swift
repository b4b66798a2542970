// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Two instances of one node were both heard, the earlier one again after the later one: two copies of a data folder are
/// running.
package struct CloneSighting: Hashable, Sendable {
    package let id: NodeID
    package let earlier: InstanceID
    package let later: InstanceID

    /// - Returns: `nil` when both are the same instance.
    package init?(id: NodeID, _ one: InstanceID, _ other: InstanceID) {
        guard one != other else { return nil }
        self.id = id
        earlier = min(one, other)
        later = max(one, other)
    }

    package func involves(_ instance: InstanceID) -> Bool { instance == earlier || instance == later }
}

/// The instances of one node that were heard directly, and whether two of them are running at the same time.
///
/// A restart is heard as one instance after another, whichever way the machine's clock was set. Copies are heard in
/// turns: one, the other, and the first again.
struct InstanceHistory: Sendable {
    enum Verdict: Hashable, Sendable {
        /// The instance that was heard last, or a new one that takes its place.
        case current
        /// Runs beside the current one, as a copy.
        case copy(of: InstanceID)
        /// A copy that stays while the current one has fallen silent.
        case copyTakesOver(from: InstanceID)
        /// A packet of an ended instance that was long on its way.
        case late
    }

    private static let remembered = 4
    /// Packets of an ended instance may arrive for this long after the first of the next.
    private static let grace = Duration.seconds(2)
    /// An instance that was not heard for this long has no copy to compete with.
    private static let silence = Duration.seconds(10)

    private var heard: [(instance: InstanceID, at: MonotonicInstant)] = []
    private(set) var current: InstanceID?
    private var currentSince = MonotonicInstant.zero

    mutating func hear(_ instance: InstanceID, now: MonotonicInstant) -> Verdict {
        guard let current else { return take(instance, now: now) }
        if instance == current {
            note(instance, now: now)
            return .current
        }
        let wasHeard = heard.contains { $0.instance == instance }
        guard wasHeard else { return take(instance, now: now) }
        if now - currentSince < Self.grace { return .late }
        note(instance, now: now)
        let currentHeard = heard.first { $0.instance == current }?.at ?? .zero
        if instance > current || now - currentHeard > Self.silence {
            self.current = instance
            currentSince = now
            return .copyTakesOver(from: current)
        }
        return .copy(of: current)
    }

    private mutating func take(_ instance: InstanceID, now: MonotonicInstant) -> Verdict {
        current = instance
        currentSince = now
        note(instance, now: now)
        return .current
    }

    private mutating func note(_ instance: InstanceID, now: MonotonicInstant) {
        heard.removeAll { $0.instance == instance }
        if heard.count >= Self.remembered { heard.removeFirst() }
        heard.append((instance, now))
    }
}

/// Keeps reports of the same pair of copies a minute apart.
struct CloneReportThrottle: Sendable {
    static let pause = Duration.seconds(60)
    private static let limit = 64

    private var reported: [CloneSighting: MonotonicInstant] = [:]

    mutating func mayReport(_ sighting: CloneSighting, now: MonotonicInstant) -> Bool {
        if let last = reported[sighting], now - last < Self.pause { return false }
        if reported.count >= Self.limit { reported = reported.filter { now - $0.value < Self.pause } }
        guard reported.count < Self.limit else { return false }
        reported[sighting] = now
        return true
    }
}
