// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Which cell a bridge may stand for.
package enum UpstreamID: Hashable, Sendable {
    /// A cell at an address that the bridge's owner wrote down.
    case address(HTTPAddress)
    /// A node of the same owner that has the role of a cell.
    case kin(NodeID)
}

/// What a cell said of itself when it was asked last.
package struct UpstreamHealth: Hashable, Sendable {
    package var cellID: String
    package var branch: String
    /// 0…10.
    package var level: Double
    package var services: [String]

    package init(cellID: String, branch: String, level: Double, services: [String] = []) {
        self.cellID = cellID
        self.branch = branch
        self.level = level
        self.services = services
    }
}
