// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Something that needs a person's attention, by the name that people and programs use for it.
package enum AlertCondition: String, Hashable, Sendable, CaseIterable, Codable {
    case peerDown = "peer-down"
    case degraded
    case errorRate = "error-rate"
    case slowFirstToken = "slow-first-token"
    case queueFull = "queue-full"
    case continuationFailed = "continuation-failed"
    case disk
    case clockOffset = "clock-offset"
    case certificate
    case syncLag = "sync-lag"

    /// What Prometheus calls the alert, such as `KithPeerDown`.
    package var prometheusName: String {
        "Kith" + rawValue.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}

extension AlertCondition: Comparable {
    package static func < (left: AlertCondition, right: AlertCondition) -> Bool { left.rawValue < right.rawValue }
}

/// How much an alert matters.
package enum AlertSeverity: String, Hashable, Sendable, Codable {
    /// Somebody should look when there is time.
    case warning
    /// Clients go without answers, or soon will.
    case critical
}

/// One alert of the mesh: there is at most one for a condition and the node that it is about.
package struct AlertKey: Hashable, Sendable {
    package let condition: AlertCondition
    package let subject: NodeID

    package init(_ condition: AlertCondition, _ subject: NodeID) {
        self.condition = condition
        self.subject = subject
    }

    /// The same at every node and in every run, for receivers that put messages together.
    package var fingerprint: String { "\(condition.rawValue)/\(subject)" }
}

extension AlertKey: Comparable {
    package static func < (left: AlertKey, right: AlertKey) -> Bool {
        (left.condition, left.subject) < (right.condition, right.subject)
    }
}
