// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What all that nodes say of one alert comes to, in the eyes of one of them.
struct Incident {
    let key: AlertKey
    let statements: [NodeID: AlertStatement]
    /// The nodes whose sighting counts now, by id.
    let seenBy: [NodeID]

    var isActive: Bool { !seenBy.isEmpty }

    /// Incidents until then are over.
    var closedUpTo: WallTime? { statements.values.compactMap(\.closedUpTo).max() }

    /// What nodes have told, or are about to tell, of the incident that is not over.
    var open: [NodeID: AlertStatement.Telling] {
        let closed = closedUpTo
        return statements.compactMapValues { statement in
            statement.telling.flatMap { telling in closed.map { telling.incident > $0 } ?? true ? telling : nil }
        }
    }

    /// Its name: the earliest that was given, where nodes that did not hear each other gave several.
    var openedAt: WallTime? { open.values.map(\.incident).min() }

    var isTold: Bool { open.values.contains { $0.stage == .told } }

    func isAbandoned(by node: NodeID) -> Bool { open[node]?.stage == .abandoned }

    /// When a new incident began, later than all that are over.
    func beginning(at wall: WallTime) -> WallTime {
        let since = seenBy.compactMap { statements[$0]?.sighting?.since }.min() ?? wall
        guard let closed = closedUpTo else { return since }
        return max(since, closed.advanced(by: .milliseconds(1)))
    }

    /// Everything that was ever said of it is over then.
    func end(at wall: WallTime) -> WallTime {
        ([wall] + statements.values.compactMap { $0.telling?.incident }).max() ?? wall
    }

    /// The sighting that is shown: of those that count, the first; else the one that ended last.
    var shown: AlertStatement.Sighting? {
        if let node = seenBy.first { return statements[node]?.sighting }
        return statements.values.compactMap(\.sighting)
            .max { ($0.until ?? .epoch, $0.since) < ($1.until ?? .epoch, $1.since) }
    }
}
