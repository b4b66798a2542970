// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How far a kin is known to be in step.
package struct KinStanding: Sendable {
    /// What it said last that it knows.
    package var versions: VersionVector?
    package var exchangedAt: WallTime?
    /// `nil` while it can be reached.
    package var unreachableSince: WallTime?
    package var problem: String?

    func report(_ id: NodeID, own: VersionVector) -> SyncReport.Kin {
        SyncReport.Kin(
            id: id, versions: versions, behind: versions.map { $0.lag(behind: own) } ?? 0,
            ahead: versions.map { own.lag(behind: $0) } ?? 0, exchangedAt: exchangedAt,
            unreachableSince: unreachableSince, problem: problem)
    }
}
