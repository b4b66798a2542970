// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How far a kin is known to be in step.
struct KinStanding: Sendable {
    /// What it said last that it knows.
    var versions: VersionVector?
    var exchangedAt: WallTime?
    /// `nil` while it can be reached.
    var unreachableSince: WallTime?
    var problem: String?

    func report(_ id: NodeID, own: VersionVector) -> SyncReport.Kin {
        SyncReport.Kin(
            id: id, versions: versions, behind: versions.map { $0.lag(behind: own) } ?? 0,
            ahead: versions.map { own.lag(behind: $0) } ?? 0, exchangedAt: exchangedAt,
            unreachableSince: unreachableSince, problem: problem)
    }
}
