// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel

extension NodeStatus.Engine {
    init(_ status: EngineStatus) {
        let (state, reason): (String, String) =
            switch status.health {
            case .ready: ("ready", status.reason)
            case .loading: ("loading", status.reason)
            case .down(let why): (status.kind == nil ? "none" : "down", status.kind == nil ? status.reason : why)
            }
        self.init(
            kind: status.kind?.rawValue, state: state, reason: reason, models: status.models.map(\.id.rawValue),
            slots: status.slots, active: status.active, queued: status.queued)
    }
}

extension NodeStatus.Peer {
    init(_ entry: PeerBook.Entry, now: Moment) {
        let (state, reason): (String, String?) =
            switch entry.state {
            case .unknown where entry.endpoint.tier == .kith: ("unknown", "kith nodes are not probed")
            case .unknown: ("unknown", nil)
            case .up: ("up", nil)
            case .down(let why, _): ("down", why)
            case .alias(let name): ("alias", "the same node as \(name)")
            }
        let status = entry.status
        self.init(
            name: entry.name.rawValue, address: entry.endpoint.address.description,
            tier: entry.endpoint.tier.rawValue, state: state, level: status?.level,
            models: status?.models.map(\.id.rawValue) ?? [],
            active: status?.outstanding ?? 0, slots: status?.slots ?? 0,
            latencyMilliseconds: entry.lastSeen == nil ? nil : entry.latency.milliseconds.rounded(toPlaces: 2),
            lastSeenSeconds: entry.lastSeen.map { (now - $0).seconds.rounded(toPlaces: 1) }, reason: reason)
    }
}

extension PeerBook.Entry {
    var isUp: Bool {
        if case .up = state { true } else { false }
    }
}

extension Double {
    func rounded(toPlaces places: Int) -> Double {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        return (self * scale).rounded() / scale
    }
}
