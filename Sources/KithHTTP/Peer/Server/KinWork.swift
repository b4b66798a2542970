// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// What this node does for kin beside answering prompts.
package struct KinWork: Sendable {
    /// `nil` unless the node has the role.
    package var cell: (any CellAnswering)?

    /// Takes over conversations; `nil` where none are kept.
    package var sessions: (any SessionReceiving)?

    package init(cell: (any CellAnswering)? = nil, sessions: (any SessionReceiving)? = nil) {
        self.cell = cell
        self.sessions = sessions
    }
}
