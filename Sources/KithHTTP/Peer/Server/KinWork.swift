// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// What this node does for kin beside answering prompts.
package struct KinWork: Sendable {
    /// `nil` unless the node has the role.
    package var cell: (any CellAnswering)?

    package init(cell: (any CellAnswering)? = nil) { self.cell = cell }
}
