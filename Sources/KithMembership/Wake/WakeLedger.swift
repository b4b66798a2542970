// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Which machines are being woken, and which are left alone because they did not come back: a pure value.
///
/// However many prompts wait, a machine is woken once at a time.
package struct WakeLedger: Sendable {
    package enum Verdict: Hashable, Sendable {
        /// Packets are to be sent until then.
        case begin(until: MonotonicInstant)
        /// They are being sent.
        case underWay(until: MonotonicInstant)
        /// It did not come back; the next try is not before then.
        case later(MonotonicInstant)
    }

    private struct Entry: Sendable {
        var begun: MonotonicInstant
        var until: MonotonicInstant
        /// Wakings before this one that nothing came of.
        var failures: Int
    }

    /// After the first waking that nothing came of; twice as long after each further one.
    package static let firstPause = Duration.seconds(60)
    package static let longestPause = Duration.seconds(3_600)
    /// A machine for whose waking time there is a measure is given at least this.
    package static let shortestWait = Duration.seconds(10)
    private static let limit = 1_024

    private var entries: [NodeID: Entry] = [:]

    package init() {}

    /// How long a prompt waits.
    ///
    /// - Parameters:
    ///   - limit: What the owner allows.
    ///   - usual: How long the machine usually takes.
    package static func wait(limit: Duration, usual: Duration?) -> Duration {
        usual.map { min(limit, max($0 * 2, shortestWait)) } ?? limit
    }

    /// Until when packets are being sent to it; `nil` when none are.
    package func underWay(_ id: NodeID, now: MonotonicInstant) -> MonotonicInstant? {
        entries[id].flatMap { now < $0.until ? $0.until : nil }
    }

    /// What would become of a prompt's wish.
    package enum Outlook: Hashable, Sendable {
        case free
        /// Packets have been sent since then.
        case underWay(begun: MonotonicInstant)
        case later
    }

    package func outlook(for id: NodeID, now: MonotonicInstant) -> Outlook {
        guard let entry = entries[id] else { return .free }
        if now < entry.until { return .underWay(begun: entry.begun) }
        return now >= entry.until + Self.pause(after: entry.failures) ? .free : .later
    }

    /// A prompt wants the machine.
    ///
    /// - Parameter wait: How long it is given.
    package mutating func want(_ id: NodeID, for wait: Duration, now: MonotonicInstant) -> Verdict {
        guard let entry = entries[id] else { return begin(id, for: wait, failures: 0, now: now) }
        if now < entry.until { return .underWay(until: entry.until) }
        let next = entry.until + Self.pause(after: entry.failures)
        guard now >= next else { return .later(next) }
        return begin(id, for: wait, failures: entry.failures + 1, now: now)
    }

    /// The owner wants the machine: no earlier failure holds that back.
    package mutating func wantAtOnce(_ id: NodeID, for wait: Duration, now: MonotonicInstant) -> Verdict {
        if let until = underWay(id, now: now) { return .underWay(until: until) }
        return begin(id, for: wait, failures: 0, now: now)
    }

    /// Nothing could be sent for a waking that was begun at that moment.
    package mutating func takeBack(_ id: NodeID, begun: MonotonicInstant) {
        if entries[id]?.begun == begun { entries[id] = nil }
    }

    /// The machine is there.
    ///
    /// - Returns: The time since the first packet; `nil` when none was sent.
    package mutating func returned(_ id: NodeID, now: MonotonicInstant) -> Duration? {
        entries.removeValue(forKey: id).map { now - $0.begun }
    }

    private static func pause(after failures: Int) -> Duration {
        min(longestPause, firstPause * (1 << min(failures, 16)))
    }

    private mutating func begin(_ id: NodeID, for wait: Duration, failures: Int, now: MonotonicInstant) -> Verdict {
        if entries.count >= Self.limit { entries = entries.filter { now - $0.value.until < Self.longestPause } }
        guard entries.count < Self.limit || entries[id] != nil else { return .later(now + Self.firstPause) }
        entries[id] = Entry(begun: now, until: now + wait, failures: failures)
        return .begin(until: now + wait)
    }
}
