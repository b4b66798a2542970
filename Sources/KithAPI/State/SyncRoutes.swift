// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithPeers
import KithServer

/// How far this node and its kin agree; what `kith sync status` shows.
struct SyncRoutes: Sendable {
    static let path = "/api/sync"

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(Self.path, scope: .read, [.get: { _, _ in try report() }])
    }

    private func report() throws -> Response {
        let own = services.mesh.ownID
        let gossiped = Dictionary(
            services.mesh.peers().compactMap { peer in peer.id.map { ($0, peer.load?.level) } },
            uniquingKeysWith: { first, _ in first })
        let report = StateMessage.Sync(
            services.state.report(), own: own, names: NodeNames(services), now: .now()
        ) { [services] id in
            id == own ? services.level() : services.state.level(of: .node(id))?.level ?? gossiped[id] ?? nil
        }
        return try .json(report)
    }
}

extension StateMessage.Sync {
    /// - Parameters:
    ///   - level: What a node declares.
    init(_ report: SyncReport, own: NodeID, names: NodeNames, now: WallTime, level: (NodeID) -> Double?) {
        self.init(
            node: names.text(for: own), level: level(own), operations: report.operations,
            quarantined: report.quarantined, versions: Self.readable(report.versions, names: names),
            kin: report.kin.map { Kin($0, names: names, now: now, level: level($0.id)) }
                .sorted { ($0.name, $0.id) < ($1.name, $1.id) })
    }

    /// Names in place of ids; a node's logs are told apart by numbers where it has begun more than one.
    static func readable(_ versions: VersionVector, names: NodeNames) -> [String: UInt64] {
        var readable: [String: UInt64] = [:]
        for (node, logs) in Dictionary(grouping: versions.sequences, by: \.key.node) {
            let name = names.text(for: node)
            for log in logs {
                let number = String(log.key.epoch, radix: 16)
                readable[logs.count == 1 ? name : "\(name)/\(number)"] = log.value
            }
        }
        return readable
    }
}

extension StateMessage.Sync.Kin {
    init(_ kin: SyncReport.Kin, names: NodeNames, now: WallTime, level: Double?) {
        self.init(
            id: kin.id.description, name: names.text(for: kin.id), state: Self.standing(of: kin),
            behindBy: kin.behind, aheadBy: kin.ahead,
            exchangedSecondsAgo: kin.exchangedAt.map { max(0, now.duration(since: $0).seconds.rounded(toPlaces: 1)) },
            unreachableSince: kin.unreachableSince?.rfc3339, problem: kin.problem, level: level,
            versions: kin.versions.map { StateMessage.Sync.readable($0, names: names) })
    }

    static func standing(of kin: SyncReport.Kin) -> StateMessage.Sync.Standing {
        if kin.unreachableSince != nil { return .unreachable }
        guard kin.versions != nil else { return .unknown }
        return switch (kin.behind > 0, kin.ahead > 0) {
        case (false, false): .inStep
        case (true, false): .behind
        case (false, true): .ahead
        case (true, true): .diverged
        }
    }
}
