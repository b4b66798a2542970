// SPDX-License-Identifier: Apache-2.0

import KithModel
import Logging

/// Tells the log, the counters and whoever follows events what became of the upstreams.
struct BridgeNews: Sendable {
    let events: EventHub
    let counters: BridgeCounters
    let since: ModeClock
    let logger: Logger

    func tell(_ actions: [UpstreamAction], label: (UpstreamID) -> String) {
        for action in actions {
            switch action {
            case .cameUp(let id): logger.info("upstream is up", metadata: ["upstream": "\(label(id))"])
            case .wentDown(let id, let why):
                logger.warning("upstream is down", metadata: ["upstream": "\(label(id))", "reason": "\(why)"])
            case .setAside(let id, let why, let pause):
                counters.count { $0.setAside += 1 }
                logger.warning(
                    "upstream set aside",
                    metadata: [
                        "upstream": "\(label(id))", "reason": "\(why)", "seconds": "\(Int(pause.seconds.rounded()))",
                    ])
            case .mode(let mode, let reason): tell(mode, reason: reason)
            }
        }
    }

    private func tell(_ mode: BridgeMode, reason: String?) {
        let at = since.restart()
        switch mode {
        case .healthy:
            counters.count { $0.toHealthy += 1 }
            logger.notice("bridge is healthy")
        case .degraded:
            counters.count { $0.toDegraded += 1 }
            logger.warning("bridge is degraded", metadata: ["reason": "\(reason ?? "")"])
        }
        var fields: JSONObject = ["mode": .string(mode.rawValue)]
        if let reason { fields["reason"] = .string(reason) }
        events.publish(NodeEvent(.bridge, at: at, fields))
    }
}
