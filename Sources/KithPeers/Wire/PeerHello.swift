// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The first thing two nodes say to each other on a connection, both ways: `POST /peer/v1/hello` and its answer.
///
/// Does not say who they are; the handshake has proven that.
package struct PeerHello: Codable, Hashable, Sendable {
    package var name: NodeName
    /// The program's version, for people.
    package var version: String
    package var protocols: ProtocolVersions
    /// What this side can do beyond its protocol version; what is unknown is ignored.
    package var features: [String]
    package var instance: InstanceID
    /// Where this side's peer port may be reached.
    package var addresses: [PeerAddress]

    package init(
        name: NodeName, version: String, protocols: ProtocolVersions = .supported, features: [String] = [],
        instance: InstanceID, addresses: [PeerAddress]
    ) {
        self.name = name
        self.version = version
        self.protocols = protocols
        self.features = features
        self.instance = instance
        self.addresses = addresses
    }
}

/// The versions of the peer protocol that a node speaks, both ends included.
package struct ProtocolVersions: Codable, Hashable, Sendable, CustomStringConvertible {
    package var lowest: Int
    package var highest: Int

    package init(lowest: Int, highest: Int) {
        self.lowest = lowest
        self.highest = highest
    }

    package static let supported = ProtocolVersions(lowest: 1, highest: 1)

    /// The highest version that both sides speak; `nil` when there is none.
    package func common(with other: ProtocolVersions) -> Int? {
        let highest = min(highest, other.highest)
        return highest >= max(lowest, other.lowest) ? highest : nil
    }

    package var description: String { lowest == highest ? "\(lowest)" : "\(lowest) to \(highest)" }
}
