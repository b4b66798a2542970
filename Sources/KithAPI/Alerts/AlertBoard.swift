// SPDX-License-Identifier: Apache-2.0

package import KithAlerts
package import KithModel

/// What a node says of alerts, and how people keep it from telling them.
package protocol AlertBoard: Sendable {
    /// How many fire, from any task.
    var firing: FiringAlerts { get }
    func report() async -> AlertReport
    /// - Throws: `StateRefusal` when it cannot be kept.
    func silence(_ wish: AlertSilenceWish) async throws(StateRefusal) -> AlertSilence
    /// - Returns: The silence that is over; `nil` when there was none.
    func unsilence(_ id: String) async throws(StateRefusal) -> AlertSilence?
}

/// The alerts of the mesh as a node knows them.
package struct AlertReport: Sendable {
    /// Firing first, then pending, then those that are over.
    package var alerts: [MeshAlert]
    /// Those that are not over, the one that ends next first.
    package var silences: [AlertSilence]

    package init(alerts: [MeshAlert] = [], silences: [AlertSilence] = []) {
        self.alerts = alerts
        self.silences = silences
    }
}

/// What somebody wants not to be told.
package struct AlertSilenceWish: Sendable {
    package var condition: AlertCondition?
    package var subject: NodeID?
    package var duration: Duration
    package var reason: String

    package init(condition: AlertCondition?, subject: NodeID?, duration: Duration, reason: String) {
        self.condition = condition
        self.subject = subject
        self.duration = duration
        self.reason = reason
    }
}
