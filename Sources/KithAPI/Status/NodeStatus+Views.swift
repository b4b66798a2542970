// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithPeers

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
    init(_ entry: PeerEntry, now: Moment) {
        self.init(
            id: entry.id?.description, name: entry.name.rawValue, address: entry.addresses.first ?? "",
            addresses: entry.addresses, tier: entry.tier.rawValue,
            state: entry.isCloned ? "cloned" : entry.state.word, level: entry.load?.level,
            versions: entry.state.versions, models: entry.models.map(\.id.rawValue),
            active: entry.load?.outstanding ?? 0, slots: entry.load?.slots ?? 0,
            latencyMilliseconds: entry.latency.map { $0.milliseconds.rounded(toPlaces: 2) },
            lastSeenSeconds: entry.lastHeard.map { (now - $0).seconds.rounded(toPlaces: 1) },
            reason: entry.isCloned ? "two nodes use this identity; run kith rekey on the copy" : entry.state.reason,
            draining: entry.load?.isDraining)
    }
}

extension Double {
    func rounded(toPlaces places: Int) -> Double {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        return (self * scale).rounded() / scale
    }
}
