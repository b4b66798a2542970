// SPDX-License-Identifier: Apache-2.0

package import KithMembership
import KithModel

extension CellInfo {
    /// Where this cell's peer port may be found; `nil` for a cell that is no kith node.
    package var suggestion: Suggestion? {
        guard let kith = kith ?? KithCell(services: services), let address = PeerAddress(host: ip, port: kith.peerPort)
        else { return nil }
        return Suggestion(
            address: address, id: kith.id, name: NodeName(cellID), version: kith.version,
            protocolVersion: kith.protocolVersion)
    }
}
