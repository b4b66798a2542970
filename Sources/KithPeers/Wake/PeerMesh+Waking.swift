// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithMembership
import KithModel

extension PeerMesh {
    /// Sends what wakes a kin, from here and from the others on its network; returns before it is up.
    ///
    /// - Throws: `ControlError` when nobody could send, with the reason.
    package func wake(_ peer: String) async throws -> ControlMessage.Wake {
        let record = try find(peer)
        let described = try described(record.id)
        guard record.tier == .kin else {
            throw ControlError(
                .invalid, "\(described.name) is kith, somebody else's node: its hardware address is not known")
        }
        let notes = record.wake
        if directory.peers().contains(where: { $0.id == record.id && $0.state == .up }) {
            return ControlMessage.Wake(peer: described, isUp: true, sent: [], missed: [])
        }
        if let why = waker.hindrance(to: record.id, notes) {
            throw ControlError(.unreachable, "\(described.name) cannot be woken: \(why)")
        }
        let report = await waker.wakeAtOnce(record.id)
        let missed = report.missed.map { ControlMessage.Wake.Missed(node: $0.name, reason: $0.reason) }
        guard !report.sent.isEmpty else {
            let reasons = missed.map { "\($0.node) \($0.reason)" }.joined(separator: "; ")
            throw ControlError(.unreachable, "\(described.name) was not sent a packet: \(reasons)")
        }
        return ControlMessage.Wake(
            peer: described, isUp: false,
            sent: report.sent.map { .init(node: $0.name, networks: $0.networks.map(\.description)) }, missed: missed,
            usualSeconds: notes.usualTime.map { ($0.seconds * 10).rounded() / 10 })
    }
}
