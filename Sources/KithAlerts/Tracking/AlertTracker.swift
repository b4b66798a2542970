// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What one node makes of its findings over time.
///
/// A condition that is found is *pending*; once it has held for its rule's time it is *firing*; once it has not been found
/// for a while it is *resolved*, and forgotten here. One that comes and goes meanwhile is one alert.
package struct AlertTracker: Sendable {
    package enum Phase: Hashable, Sendable {
        /// Held without a break since then. Ends as ``firing(unseenSince:)``, or when the condition is not found.
        case pending(since: MonotonicInstant)
        /// Ends when the condition was not found for as long as the rules keep an alert.
        case firing(unseenSince: MonotonicInstant?)
    }

    package struct Entry: Hashable, Sendable {
        package var phase: Phase
        /// When the condition was found first, by the machine's calendar.
        package var since: WallTime
        /// As it was found last.
        package var finding: AlertFinding

        package init(phase: Phase, since: WallTime, finding: AlertFinding) {
            self.phase = phase
            self.since = since
            self.finding = finding
        }

        package var isFiring: Bool { if case .firing = phase { true } else { false } }
    }

    /// Alerts of one node at once; the worst come first, and the rest is left out.
    package static let limit = 256
    /// After a longer pause between two judgements, as of a machine that slept, nothing is known of the time between them.
    package static let longestGap = Duration.seconds(60)

    package private(set) var entries: [AlertKey: Entry] = [:]
    private var judgedAt: MonotonicInstant?

    package init() {}

    /// Takes up an alert of an earlier run, so that it goes on, or is resolved once it was not found for a while.
    package mutating func resume(_ finding: AlertFinding, since: WallTime, now: MonotonicInstant) {
        guard entries.count < Self.limit else { return }
        entries[finding.key] = Entry(phase: .firing(unseenSince: now), since: since, finding: finding)
    }

    /// - Parameter wall: Only shown, and given to what begins now: a calendar that jumps changes no wait.
    package mutating func judge(
        _ findings: [AlertFinding], by rules: AlertRules, now: MonotonicInstant, wall: WallTime
    ) {
        if let judgedAt, now - judgedAt > Self.longestGap { forgetTheWaits(now) }
        judgedAt = now
        let found = Dictionary(findings.map { ($0.key, $0) }) { first, _ in first }
        for (key, entry) in entries where found[key] == nil { entries[key] = unseen(entry, by: rules, now: now) }
        let order = found.values.sorted { urgency($0.key, rules) < urgency($1.key, rules) }
        for finding in order {
            guard let rule = rules[finding.key.condition] else { continue }
            guard var entry = entries[finding.key] else {
                guard entries.count < Self.limit else { continue }
                let phase: Phase = rule.hold > .zero ? .pending(since: now) : .firing(unseenSince: nil)
                entries[finding.key] = Entry(phase: phase, since: wall, finding: finding)
                continue
            }
            entry.finding = finding
            switch entry.phase {
            case .pending(let since): if now - since >= rule.hold { entry.phase = .firing(unseenSince: nil) }
            case .firing: entry.phase = .firing(unseenSince: nil)
            }
            entries[finding.key] = entry
        }
    }

    private func unseen(_ entry: Entry, by rules: AlertRules, now: MonotonicInstant) -> Entry? {
        guard case .firing(let since) = entry.phase, rules[entry.finding.key.condition] != nil else { return nil }
        let unseenSince = since ?? now
        guard now - unseenSince < rules.keep else { return nil }
        var entry = entry
        entry.phase = .firing(unseenSince: unseenSince)
        return entry
    }

    private mutating func forgetTheWaits(_ now: MonotonicInstant) {
        for (key, entry) in entries {
            switch entry.phase {
            case .pending: entries[key]?.phase = .pending(since: now)
            case .firing(let unseenSince): entries[key]?.phase = .firing(unseenSince: unseenSince.map { _ in now })
            }
        }
    }

    private func urgency(_ key: AlertKey, _ rules: AlertRules) -> (Int, AlertKey) {
        (rules[key.condition]?.severity == .critical ? 0 : 1, key)
    }
}
