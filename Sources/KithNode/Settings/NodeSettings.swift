// SPDX-License-Identifier: Apache-2.0

package import KithMembership
package import KithModel
package import Logging

/// What a node is told at its start.
package struct NodeSettings: Sendable {
    package var name: NodeName
    package var host: String
    /// 0 stands for any free port.
    package var port: Int
    /// Absolute; holds `config`, `.env` and `state`.
    package var dataDirectory: String
    package var engine: EngineSettings
    package var access: AccessSettings
    package var peer: PeerSettings
    package var roles: Set<NodeRole>
    package var cell: CellSettings
    package var bridge: BridgeSettings
    package var vault: VaultSettings
    package var routing: RoutingSettings
    /// Absolute; the file need not exist.
    package var peersFile: String
    /// The peers named by flags, environment, `.env` and YAML, without those of ``peersFile``.
    package var peerEndpoints: PeersFile
    package var social: SocialSettings
    /// 0…10.
    package var level: Double
    /// Bytes.
    package var requestBodyLimit: Int
    /// Bytes; for the seeds' routes.
    package var seedBodyLimit: Int
    package var logLevel: Logger.Level
    package var defaultMaxTokens: Int

    package init(
        name: NodeName, host: String = "127.0.0.1", port: Int = 8080, dataDirectory: String, engine: EngineSettings,
        access: AccessSettings = AccessSettings(), peer: PeerSettings = PeerSettings(), roles: Set<NodeRole> = [.node],
        cell: CellSettings = CellSettings(), bridge: BridgeSettings = BridgeSettings(),
        vault: VaultSettings = VaultSettings(), routing: RoutingSettings = RoutingSettings(),
        peersFile: String, peerEndpoints: PeersFile = PeersFile(),
        social: SocialSettings = SocialSettings(), level: Double = 1, requestBodyLimit: Int = 4_194_304,
        seedBodyLimit: Int = 1_048_576, logLevel: Logger.Level = .info, defaultMaxTokens: Int = 2048
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.dataDirectory = dataDirectory
        self.engine = engine
        self.access = access
        self.peer = peer
        self.roles = roles
        self.cell = cell
        self.bridge = bridge
        self.vault = vault
        self.routing = routing
        self.peersFile = peersFile
        self.peerEndpoints = peerEndpoints
        self.social = social
        self.level = level
        self.requestBodyLimit = requestBodyLimit
        self.seedBodyLimit = seedBodyLimit
        self.logLevel = logLevel
        self.defaultMaxTokens = defaultMaxTokens
    }

    /// Whether only this machine reaches the listeners of clients.
    package var isOnLoopback: Bool { Self.isLoopback(host) }

    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    package var stateDirectory: String { dataDirectory + "/state" }
}
