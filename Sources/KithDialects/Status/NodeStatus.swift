// SPDX-License-Identifier: Apache-2.0

/// The answer to `GET /api/status`, written by the node and read by the command line.
package struct NodeStatus: Codable, Sendable {
    package struct Engine: Codable, Hashable, Sendable {
        package var kind: String?
        package var state: String
        package var reason: String
        package var models: [String]
        package var slots: Int
        package var active: Int
        package var queued: Int

        package init(
            kind: String?, state: String, reason: String, models: [String], slots: Int, active: Int, queued: Int
        ) {
            self.kind = kind
            self.state = state
            self.reason = reason
            self.models = models
            self.slots = slots
            self.active = active
            self.queued = queued
        }
    }

    package struct Peer: Codable, Hashable, Sendable {
        /// In its written form; `nil` for a plain HTTP endpoint, which has none.
        package var id: String?
        package var name: String
        package var address: String
        /// Where its peer port is said to be, the one that answered last first.
        package var addresses: [String]
        package var tier: String
        /// `up`, `suspect`, `down`, `left`, `asleep`, `incompatible`, `cloned`, `unknown` or `plain`.
        package var state: String
        /// What it declares; `nil` until it has been heard from.
        package var level: Double?
        /// For an incompatible peer the protocol versions of both sides.
        package var versions: String?
        package var models: [String]
        package var active: Int
        package var slots: Int
        package var latencyMilliseconds: Double?
        package var lastSeenSeconds: Double?
        package var reason: String?
        /// It wants new prompts to go elsewhere; missing when it does not.
        package var draining: Bool?
        /// Where its clients reach it, as its own machine names that; missing from nodes that do not tell.
        package var clientAddress: String?
        /// Missing until it has told, and from nodes that do not.
        package var machine: MachineMessage?

        package init(
            id: String? = nil, name: String, address: String, addresses: [String] = [], tier: String, state: String,
            level: Double? = nil, versions: String? = nil, models: [String], active: Int, slots: Int,
            latencyMilliseconds: Double?, lastSeenSeconds: Double?, reason: String?,
            draining: Bool? = nil, clientAddress: String? = nil, machine: MachineMessage? = nil
        ) {
            self.id = id
            self.name = name
            self.address = address
            self.addresses = addresses
            self.tier = tier
            self.state = state
            self.level = level
            self.versions = versions
            self.models = models
            self.active = active
            self.slots = slots
            self.latencyMilliseconds = latencyMilliseconds
            self.lastSeenSeconds = lastSeenSeconds
            self.reason = reason
            self.draining = draining
            self.clientAddress = clientAddress
            self.machine = machine
        }

        private enum CodingKeys: String, CodingKey {
            case id, name, address, addresses, tier, state, level, versions, models, active, slots, reason, draining
            case machine
            case latencyMilliseconds = "latency_ms"
            case lastSeenSeconds = "last_seen_seconds"
            case clientAddress = "client_address"
        }
    }

    package var node: String
    package var version: String
    package var address: String
    package var uptimeSeconds: Double
    package var level: Double
    /// Whether new prompts go elsewhere; missing where the node does not know of it.
    package var draining: Bool?
    /// What the node's database had lost when it was opened; missing when nothing was.
    package var storeLoss: String?
    /// Missing until it was measured.
    package var machine: MachineMessage?
    package var engine: Engine
    package var peers: [Peer]
    package var sessions: Int
    package var turnCount: Int
    package var valence: Double

    package init(
        node: String, version: String, address: String, uptimeSeconds: Double, level: Double,
        draining: Bool? = nil, engine: Engine, peers: [Peer], sessions: Int, turnCount: Int, valence: Double
    ) {
        self.node = node
        self.version = version
        self.address = address
        self.uptimeSeconds = uptimeSeconds
        self.level = level
        self.draining = draining
        self.engine = engine
        self.peers = peers
        self.sessions = sessions
        self.turnCount = turnCount
        self.valence = valence
    }

    private enum CodingKeys: String, CodingKey {
        case node, version, address, level, draining, machine, engine, peers, sessions, valence
        case uptimeSeconds = "uptime_seconds"
        case storeLoss = "store_loss"
        case turnCount = "turn_count"
    }
}
