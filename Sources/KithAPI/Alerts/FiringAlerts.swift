// SPDX-License-Identifier: Apache-2.0

package import KithAlerts
import Synchronization

/// How many alerts fire, for metrics: read from any task.
package final class FiringAlerts: Sendable {
    package struct Count: Hashable, Sendable {
        package var condition: AlertCondition
        package var severity: AlertSeverity
        package var count: Int
    }

    private let counts = Mutex<[AlertCondition: Int]>([:])

    package init() {}

    /// One for each condition, also those of which none fires.
    package var all: [Count] {
        let counts = counts.withLock { $0 }
        return AlertRule.table.map {
            Count(condition: $0.condition, severity: $0.severity, count: counts[$0.condition] ?? 0)
        }
    }

    package func set(_ alerts: [MeshAlert]) {
        let firing = alerts.filter { $0.state == .firing }.map { ($0.key.condition, 1) }
        counts.withLock { $0 = Dictionary(firing, uniquingKeysWith: +) }
    }
}
