// SPDX-License-Identifier: Apache-2.0

package import KithCulture
package import KithDialects
package import KithModel

/// What this node does for other nodes beside answering prompts.
package struct PeerWork: Sendable {
    /// `nil` unless the node has the role.
    package var cell: (any CellAnswering)?

    /// Takes over conversations; `nil` where none are kept.
    package var sessions: (any SessionReceiving)?

    /// Talks with peers, friends' among them.
    package var host: CompanionHost?

    /// Told when a kin's user is served.
    package var presence: (any UserPresence)?

    package init(
        cell: (any CellAnswering)? = nil, sessions: (any SessionReceiving)? = nil, host: CompanionHost? = nil,
        presence: (any UserPresence)? = nil
    ) {
        self.cell = cell
        self.sessions = sessions
        self.host = host
        self.presence = presence
    }
}
