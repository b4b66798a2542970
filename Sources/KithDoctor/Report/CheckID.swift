// SPDX-License-Identifier: Apache-2.0

/// What was looked at, in the order in which one thing needs another: a fault of an earlier check explains those of
/// later ones.
package enum CheckID: String, Sendable, CaseIterable, Codable {
    case settings
    case peersFile = "peers_file"
    case dataFolder = "data_folder"
    case diskSpace = "disk_space"
    case database
    case identity
    case certificate
    case port
    /// Whether the node that runs answers its owner.
    case node
    case interfaces
    case hostName = "host_name"
    case mdns
    case dns
    case ping
    /// A TCP connection.
    case connect
    case tls
    /// Whose certificate it is.
    case peerIdentity = "peer_identity"
    /// Whether the other side knows this node.
    case trust
    case protocolVersion = "protocol_version"
    /// What answers over HTTP, and how it is.
    case service
    case clock
    /// What the nodes tell each other by gossip.
    case mesh
    /// Keys of engines may come from it.
    case vault
    case engine
    /// A tiny real answer.
    case generation
    case registry
    case sync

    /// Smaller for what others depend on.
    package var depth: Int { Self.allCases.firstIndex(of: self) ?? Self.allCases.count }
}
