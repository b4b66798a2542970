// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// One message to people.
package struct AlertNotice: Hashable, Sendable {
    package enum Phase: String, Hashable, Sendable {
        case firing
        case resolved
    }

    package var key: AlertKey
    package var phase: Phase
    /// When the incident began.
    package var incident: WallTime
    /// When it was over.
    package var resolvedAt: WallTime?
    /// What the speaker, or else a node that saw it, calls the subject.
    package var name: NodeName
    package var detail: String

    package init(
        key: AlertKey, phase: Phase, incident: WallTime, resolvedAt: WallTime? = nil, name: NodeName, detail: String
    ) {
        self.key = key
        self.phase = phase
        self.incident = incident
        self.resolvedAt = resolvedAt
        self.name = name
        self.detail = detail
    }

    /// The same for every node that tells of this incident, and for every try: a receiver takes it once.
    package var id: String { "\(key.fingerprint)/\(incident.milliseconds)/\(phase.rawValue)" }

    package var severity: AlertSeverity { AlertRule.standard(key.condition)?.severity ?? .warning }

    /// What is wrong, and what to do; or that it is over.
    package var sentence: String {
        switch phase {
        case .firing: AlertRule.standard(key.condition)?.sentence(name.rawValue) ?? key.condition.rawValue
        case .resolved: "over: \(key.condition.rawValue) of \(name)"
        }
    }
}
