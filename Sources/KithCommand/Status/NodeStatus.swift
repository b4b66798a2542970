// SPDX-License-Identifier: Apache-2.0

/// What a node says of itself at `GET /api/status`. Fields that a node leaves out are `nil` or empty.
package struct NodeStatus: Sendable, Codable {
    package struct Engine: Sendable, Codable {
        package var kind: String?
        package var state: String?
        package var reason: String?
        package var models: [String]?
        package var slots: Int?
        package var active: Int?
        package var queued: Int?
    }

    package struct Peer: Sendable, Codable {
        package var name: String?
        package var address: String?
        package var tier: String?
        package var state: String?
        package var models: [String]?
        package var active: Int?
        package var slots: Int?
        package var latencyMilliseconds: Double?
        package var lastSeenSeconds: Double?
        package var reason: String?

        private enum CodingKeys: String, CodingKey {
            case name, address, tier, state, models, active, slots, reason
            case latencyMilliseconds = "latency_ms"
            case lastSeenSeconds = "last_seen_seconds"
        }
    }

    package var node: String
    package var version: String?
    package var address: String?
    package var uptimeSeconds: Double?
    package var level: Double?
    package var engine: Engine?
    package var peers: [Peer]?
    package var sessions: Int?
    package var turnCount: Int?
    package var valence: Double?

    private enum CodingKeys: String, CodingKey {
        case node, version, address, level, engine, peers, sessions, valence
        case uptimeSeconds = "uptime_seconds"
        case turnCount = "turn_count"
    }
}
