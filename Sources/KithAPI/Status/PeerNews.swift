// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// What followers of events know of this node and its peers, by which to tell what is new. A pure value.
struct PeerNews {
    /// By id, or by name where there is none.
    private var told: [String: NodeStatus.Peer] = [:]
    private var own: NodeStatus?

    /// - Parameter status: As it is now; the counts of conversations are not looked at.
    /// - Returns: Everything, the first time; later what has changed.
    mutating func events(_ status: NodeStatus) -> [NodeEvent] {
        var events: [NodeEvent] = []
        if own.map({ !$0.isSame(as: status) }) ?? true {
            own = status
            events.append(NodeEvent(.node, status.ownFields))
        }
        let present = Dictionary(status.peers.map { ($0.key, $0) }) { first, _ in first }
        for (key, peer) in present.sorted(by: { $0.key < $1.key }) {
            if let before = told[key], before.isSame(as: peer) { continue }
            told[key] = peer
            events.append(NodeEvent(.mesh, JSONObject(encoding: peer)))
        }
        for (key, peer) in told.sorted(by: { $0.key < $1.key }) where present[key] == nil {
            told[key] = nil
            var fields: JSONObject = ["name": .string(peer.name), "gone": true]
            if let id = peer.id { fields["id"] = .string(id) }
            events.append(NodeEvent(.mesh, fields))
        }
        return events
    }
}

extension NodeStatus {
    fileprivate func isSame(as other: NodeStatus) -> Bool {
        (node, version, address, level, draining) == (
            other.node, other.version, other.address, other.level, other.draining
        )
            && engine == other.engine
    }

    /// What `GET /api/status` says of this node, without what changes with time alone.
    fileprivate var ownFields: JSONObject {
        [
            "node": .string(node), "version": .string(version), "address": .string(address), "level": .number(level),
            "draining": .bool(draining == true), "engine": .object(JSONObject(encoding: engine)),
        ]
    }
}

extension NodeStatus.Peer {
    /// Milliseconds by which a latency may differ, or a quarter of it, without being news.
    private static let quiet = 1.0

    fileprivate var key: String { id ?? name }

    fileprivate func isSame(as other: NodeStatus.Peer) -> Bool {
        let (before, now) = (latencyMilliseconds, other.latencyMilliseconds)
        guard (before == nil) == (now == nil), abs((before ?? 0) - (now ?? 0)) <= max(Self.quiet, (before ?? 0) / 4)
        else { return false }
        var other = other
        (other.latencyMilliseconds, other.lastSeenSeconds) = (latencyMilliseconds, lastSeenSeconds)
        return self == other
    }
}

extension JSONObject {
    /// The members of a value that is encoded as an object; empty for what JSON cannot hold.
    init(encoding value: some Encodable) {
        guard let bytes = try? JSONBody.encode(value),
            case .object(let fields) = try? JSONBody.decode(JSONValue.self, from: bytes)
        else {
            self = [:]
            return
        }
        self = fields
    }
}
