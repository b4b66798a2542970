// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// One alert of the mesh, as a node shows it.
package struct MeshAlert: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable {
        case firing
        /// Found by this node, and not for long enough yet.
        case pending
        case resolved
    }

    package var key: AlertKey
    package var state: State
    package var severity: AlertSeverity
    package var name: NodeName
    package var since: WallTime
    /// When it was over.
    package var until: WallTime?
    package var detail: String
    /// The nodes that see it, by id.
    package var seenBy: [NodeID]
    /// Who has told people of it; `nil` while nobody has.
    package var toldBy: NodeID?
    /// The silence that covers it.
    package var silence: String?

    package init(
        key: AlertKey, state: State, severity: AlertSeverity, name: NodeName, since: WallTime, until: WallTime? = nil,
        detail: String, seenBy: [NodeID] = [], toldBy: NodeID? = nil, silence: String? = nil
    ) {
        self.key = key
        self.state = state
        self.severity = severity
        self.name = name
        self.since = since
        self.until = until
        self.detail = detail
        self.seenBy = seenBy
        self.toldBy = toldBy
        self.silence = silence
    }

    package var sentence: String {
        AlertRule.standard(key.condition)?.sentence(name.rawValue) ?? key.condition.rawValue
    }
}

extension MeshAlerts {
    /// What is shown: firing first, then pending, then what is over and not yet forgotten.
    package func shown(
        _ view: View, seeing entries: [AlertKey: AlertTracker.Entry], now: MonotonicInstant, wall: WallTime
    ) -> [MeshAlert] {
        let keys = keys(view).union(entries.keys)
        let alerts = keys.compactMap { key -> MeshAlert? in
            let incident = incident(key, view, now)
            guard var alert = alert(incident, entries[key], wall) else { return nil }
            alert.silence = view.silences.first { $0.covers(key, at: wall) }?.id
            return alert
        }
        let order = MeshAlert.State.allCases
        return alerts.sorted { left, right in
            let (first, second) = (order.firstIndex(of: left.state) ?? 0, order.firstIndex(of: right.state) ?? 0)
            if first != second { return first < second }
            return left.key < right.key
        }
    }

    /// Whether only others say that a machine does not answer, which this node hears, or is: they may have lost their network.
    package func isContradicted(_ alert: MeshAlert, _ view: View, seeing entries: [AlertKey: AlertTracker.Entry])
        -> Bool
    {
        guard alert.key.condition == .peerDown, alert.state == .firing, entries[alert.key] == nil else { return false }
        return alert.key.subject == own || view.alive.contains(alert.key.subject)
    }

    private func alert(_ incident: Incident, _ entry: AlertTracker.Entry?, _ wall: WallTime) -> MeshAlert? {
        let severity = AlertRule.standard(incident.key.condition)?.severity ?? .warning
        if incident.isActive, let sighting = incident.shown {
            let since = incident.openedAt ?? incident.beginning(at: wall)
            return MeshAlert(
                key: incident.key, state: .firing, severity: severity, name: sighting.name, since: since,
                detail: sighting.detail, seenBy: incident.seenBy,
                toldBy: incident.open.filter { $0.value.stage == .told }.keys.min())
        }
        if let entry, !entry.isFiring {
            return MeshAlert(
                key: incident.key, state: .pending, severity: severity, name: entry.finding.name, since: entry.since,
                detail: entry.finding.detail, seenBy: [own])
        }
        guard let sighting = incident.shown, let until = sighting.until ?? incident.closedUpTo,
            wall.duration(since: until) < timing.retention
        else { return nil }
        return MeshAlert(
            key: incident.key, state: .resolved, severity: severity, name: sighting.name, since: sighting.since,
            until: until, detail: sighting.detail)
    }
}
