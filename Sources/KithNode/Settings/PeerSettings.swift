// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How nodes find and reach each other.
package struct PeerSettings: Hashable, Sendable {
    /// Where the peer port listens; `::` stands for every address of both families.
    package var host: String
    /// 0 stands for any free port.
    package var port: Int
    /// Whether somebody asked for that port.
    package var isPortChosen: Bool
    /// Whether the node announces itself with mDNS and looks for others.
    package var usesMDNS: Bool
    /// 0 stands for any free port.
    package var discoveryPort: Int
    package var registries: [HTTPAddress]

    package init(
        host: String = "127.0.0.1", port: Int = PeerAddress.defaultPort, isPortChosen: Bool = false,
        usesMDNS: Bool = false,
        discoveryPort: Int = 8001, registries: [HTTPAddress] = []
    ) {
        self.host = host
        self.port = port
        self.isPortChosen = isPortChosen
        self.usesMDNS = usesMDNS
        self.discoveryPort = discoveryPort
        self.registries = registries
    }
}

extension PeerSettings {
    init(_ values: SettingValues) throws(SettingProblem) {
        let isOnLAN = try values.required(.peerLAN, values.boolean(.peerLAN))
        self.init(
            host: values.text(.peerHost)?.lowercased() ?? (isOnLAN ? "::" : "127.0.0.1"),
            port: try values.required(.peerPort, values.integer(.peerPort)), isPortChosen: values.isSet(.peerPort),
            usesMDNS: values.boolean(.peerMDNS) ?? isOnLAN,
            discoveryPort: try values.required(.discoveryPort, values.integer(.discoveryPort)),
            registries: values.text(.registries).map(SettingKind.entries)?.compactMap { HTTPAddress($0) } ?? [])
    }
}

/// A listener that a node may open, or what it may keep for others.
package enum NodeRole: String, Sendable, CaseIterable {
    /// Answers clients.
    case node
    /// Answers as an AIOS cell does.
    case cell
    /// Stands for cells elsewhere, as AIOS's bridge does, and goes on without them.
    case bridge
    /// Keeps a registry for AIOS cells.
    case discovery
}
