// SPDX-License-Identifier: Apache-2.0

package import KithCulture
package import KithModel

/// Routes of the peer port that belong together.
package protocol PeerRouteGroup: Sendable {
    func add(to router: PeerRouter, services: PeerServices)
}

/// What this node does for other nodes beside answering prompts.
package struct PeerWork: Sendable {
    /// Routes of the node's other roles.
    package var routes: [any PeerRouteGroup]

    /// Takes over conversations; `nil` where none are kept.
    package var sessions: (any SessionReceiving)?

    /// Talks with peers, friends' among them.
    package var host: CompanionHost?

    /// Told when a kin's user is served.
    package var presence: (any UserPresence)?

    package init(
        routes: [any PeerRouteGroup] = [], sessions: (any SessionReceiving)? = nil, host: CompanionHost? = nil,
        presence: (any UserPresence)? = nil
    ) {
        self.routes = routes
        self.sessions = sessions
        self.host = host
        self.presence = presence
    }
}
