// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a cell of the seeds, or a kith node among them, says of itself to a discovery service.
package struct CellInfo: Hashable, Sendable {
    package static let levels = 0.0...10.0
    package static let maximumServices = 64
    /// Bytes of each text.
    package static let maximumLength = 255

    package var cellID: String
    /// An address or a name.
    package var ip: String
    package var port: Int
    package var level: Double
    package var services: [String]
    package var branch: String
    package var type: String
    package var hostname: String
    /// `nil` before a registry has seen it.
    package var lastSeen: WallTime?
    /// Only kith nodes have it; plain services drop it.
    package var kith: KithCell?

    package init(
        cellID: String, ip: String, port: Int, level: Double = 0, services: [String] = [], branch: String = "main",
        type: String = "cell", hostname: String = "", lastSeen: WallTime? = nil, kith: KithCell? = nil
    ) {
        self.cellID = cellID
        self.ip = ip
        self.port = port
        self.level = level
        self.services = services
        self.branch = branch
        self.type = type
        self.hostname = hostname
        self.lastSeen = lastSeen
        self.kith = kith
    }
}

/// What a kith node adds to its ``CellInfo``.
package struct KithCell: Hashable, Sendable {
    package var id: NodeID?
    package var peerPort: Int
    package var version: String?
    package var protocolVersion: Int?

    package init(id: NodeID?, peerPort: Int, version: String? = nil, protocolVersion: Int? = nil) {
        self.id = id
        self.peerPort = peerPort
        self.version = version
        self.protocolVersion = protocolVersion
    }

    private static let servicePrefix = "kith:"

    /// The same as an entry of `services`, which survives in registries that keep only what they know.
    package var service: String { "\(Self.servicePrefix)\(peerPort)" }

    /// - Returns: `nil` unless one of the services is a kith node's.
    package init?(services: [String]) {
        let ports = services.lazy.filter { $0.hasPrefix(Self.servicePrefix) }
            .compactMap { Int($0.dropFirst(Self.servicePrefix.count)) }
        guard let port = ports.first(where: { (1...65_535).contains($0) }) else { return nil }
        self.init(id: nil, peerPort: port)
    }
}
