// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A peer port that may be a kith node's, and what was claimed of the node.
package struct Suggestion: Hashable, Sendable {
    package var address: PeerAddress
    /// Claimed, not proved.
    package var id: NodeID?
    package var name: NodeName?
    /// The program's version, as it is shown to people.
    package var version: String?
    /// The version of the protocol between nodes.
    package var protocolVersion: Int?

    package init(
        address: PeerAddress, id: NodeID? = nil, name: NodeName? = nil, version: String? = nil,
        protocolVersion: Int? = nil
    ) {
        self.address = address
        self.id = id
        self.name = name
        self.version = version.flatMap(Self.shown)
        self.protocolVersion = protocolVersion
    }

    /// A version comes from strangers and goes to terminals: short and printable, or not kept.
    private static func shown(_ version: String) -> String? {
        let isShown = (1...32).contains(version.utf8.count) && version.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        return isShown ? version : nil
    }
}
