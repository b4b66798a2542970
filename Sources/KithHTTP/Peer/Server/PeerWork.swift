// SPDX-License-Identifier: Apache-2.0

package import KithCulture
package import KithDialects

/// What this node does for other nodes beside answering prompts.
package struct PeerWork: Sendable {
    /// `nil` unless the node has the role.
    package var cell: (any CellAnswering)?

    /// Takes over conversations; `nil` where none are kept.
    package var sessions: (any SessionReceiving)?

    /// Talks with peers, friends' among them.
    package var host: CompanionHost?

    package init(
        cell: (any CellAnswering)? = nil, sessions: (any SessionReceiving)? = nil, host: CompanionHost? = nil
    ) {
        self.cell = cell
        self.sessions = sessions
        self.host = host
    }
}
