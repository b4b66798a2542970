// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// How far devices have come that are getting into step.
package struct SyncProgress: Sendable {
    /// Both numbers of a moment can only be told once the other has said what it knows.
    private var most: UInt64 = 0
    private let id: String?

    /// - Parameter id: Of the one kin that is meant; `nil` for all.
    package init(with id: String? = nil) { self.id = id }

    package enum Step: Hashable, Sendable {
        /// Nobody has said yet what they know.
        case waiting
        case moving(ProgressBar)
        case inStep
        /// The names of those that cannot be reached; the others are in step.
        case unreachable([String])
    }

    package mutating func take(_ sync: StateMessage.Sync) -> Step {
        let kin = sync.kin.filter { id == nil || $0.id == id }
        let reachable = kin.filter { $0.state != .unreachable }
        let missing = reachable.reduce(UInt64(0)) { sum, one in
            let (both, overflow) = one.behindBy.addingReportingOverflow(one.aheadBy)
            let (all, overflowsToo) = sum.addingReportingOverflow(overflow ? .max : both)
            return overflowsToo ? .max : all
        }
        most = max(most, missing)
        if missing > 0 {
            let (done, total) = (Int(clamping: most - missing), Int(clamping: most))
            return .moving(ProgressBar("getting into step", done: done, of: total, .things("writes")))
        }
        if kin.isEmpty && id != nil || reachable.contains(where: { $0.state == .unknown }) { return .waiting }
        let lost = kin.filter { $0.state == .unreachable }.map(\.name)
        return lost.isEmpty ? .inStep : .unreachable(lost)
    }
}
