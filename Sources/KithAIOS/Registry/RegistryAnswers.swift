// SPDX-License-Identifier: Apache-2.0

/// The answers to what changes the registry; keys that do not belong are left out.
struct RegistryAnswer: Encodable {
    var status: String
    var cell_id: String?
    var peers_count: Int?
}

/// The answer to `GET /peers`.
struct RegistryPeersAnswer: Encodable {
    var peers: [CellBody]
    var count: Int
    var my_host: String
}

/// The answer to `GET /health`.
struct RegistryHealthAnswer: Encodable {
    var status = "healthy"
    var cell_id: String
    var branch: String
    var consciousness_level: Double
    var services: [String]
    var type: String
    var hostname: String

    init(_ cell: CellInfo) {
        cell_id = cell.cellID
        branch = cell.branch
        consciousness_level = cell.level
        services = cell.services
        type = cell.type
        hostname = cell.hostname
    }
}

/// What the registry says of the node it runs on.
package struct RegistryIdentity: Sendable {
    /// `my_host` in the list of peers.
    package var host: String
    /// Asked anew for each answer, because the level changes.
    package var cell: @Sendable () -> CellInfo

    package init(host: String, cell: @escaping @Sendable () -> CellInfo) {
        self.host = host
        self.cell = cell
    }
}
