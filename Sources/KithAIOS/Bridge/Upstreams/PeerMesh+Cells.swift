// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithPeers

extension PeerMesh {
    /// The kin that have said that they are cells, in reach or not, by name. From memory.
    package func kinCells() -> [KinCell] {
        directory.peers().compactMap { entry in
            guard entry.tier == .kin, entry.load?.isCell == true, let id = entry.id else { return nil }
            return KinCell(node: id, name: entry.name, links: links) { [membership] in membership.addresses(of: id) }
        }
    }
}
