// SPDX-License-Identifier: Apache-2.0

package import KithInference
package import KithModel
package import KithPeers
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Puts together how this node is, from what its parts know.
package final class NodeVitalsCollector: NodeVitalsSource {
    /// A type of its own around the closure; see `Callback`.
    private struct Complaint: Sendable {
        let reason: @Sendable () -> String?
    }

    private let engine: any EngineStatusSource
    private let mesh: PeerDirectory
    private let state: any SharedState
    private let folder: String?
    private let certificateEnds: @Sendable () -> WallTime?
    private let totals = AnswerTotals()
    private let complaints = Mutex<[Complaint]>([])

    /// - Parameters:
    ///   - dispatcher: Its requests are counted from now on.
    ///   - folder: Where the node keeps its state; `nil` when it keeps it in memory.
    ///   - certificateEnds: When the certificate that clients are shown ends, if it does.
    package init(
        engine: any EngineStatusSource, mesh: PeerDirectory, state: any SharedState, dispatcher: Dispatcher,
        folder: String? = nil, certificateEnds: @escaping @Sendable () -> WallTime? = { nil }
    ) {
        self.engine = engine
        self.mesh = mesh
        self.state = state
        self.folder = folder
        self.certificateEnds = certificateEnds
        dispatcher.journal.whenNoted { [totals] in totals.note($0) }
    }

    /// Asks one more part of the node whether it does less than it should.
    ///
    /// - Parameter reason: Says why, in words; `nil` while it does not. Must not wait.
    package func ask(_ reason: @escaping @Sendable () -> String?) {
        let complaint = Complaint(reason: reason)
        complaints.withLock { $0.append(complaint) }
    }

    package func vitals() async -> NodeVitals {
        let status = engine.status()
        let down = status.whyDown.map { "the engine does not answer: \($0)" }
        let others = complaints.withLock { $0 }.compactMap { $0.reason() }
        let reasons = (down.map { [$0] } ?? []) + others
        return NodeVitals(
            engine: NodeVitals.Engine(status), peers: peers(), answers: totals.all,
            degraded: reasons.isEmpty ? nil : reasons.joined(separator: "; "),
            disk: folder.flatMap(NodeVitals.Disk.init(holding:)), certificateEnds: certificateEnds())
    }

    private func peers() -> [NodeVitals.Peer] {
        let lags = Dictionary(state.report().kin.map { ($0.id, $0.lag) }, uniquingKeysWith: { first, _ in first })
        let offsets = mesh.clockOffsets()
        return mesh.peers().compactMap { peer in
            peer.id.map { id in
                NodeVitals.Peer(
                    id: id, name: peer.name, tier: peer.tier, state: peer.state.word, roundTrip: peer.latency,
                    syncLag: lags[id] ?? nil, clockOffset: offsets[id])
            }
        }
    }
}

extension NodeVitals.Engine {
    fileprivate init(_ status: EngineStatus) {
        let health: Health =
            switch status.health {
            case _ where status.kind == nil: .none
            case .ready: .ready
            case .loading: .loading
            case .down(let why): .down(why)
            }
        self.init(
            kind: status.kind?.rawValue, health: health, slots: status.slots, active: status.active,
            queued: status.queued, queueLimit: status.queueLimit)
    }
}

extension NodeVitals.Disk {
    /// The file system that holds a folder; `nil` when the system does not say.
    fileprivate init?(holding folder: String) {
        var found = statvfs()
        guard statvfs(folder, &found) == 0 else { return nil }
        func bytes(_ blocks: some BinaryInteger) -> Int64 {
            let (bytes, overflow) = Int64(clamping: blocks).multipliedReportingOverflow(
                by: Int64(clamping: found.f_frsize))
            return overflow ? .max : bytes
        }
        self.init(size: bytes(found.f_blocks), free: bytes(found.f_bavail))
    }
}
