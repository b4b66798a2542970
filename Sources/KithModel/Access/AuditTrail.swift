// SPDX-License-Identifier: Apache-2.0

/// One line of the audit trail: who tried what, and whether it was let through. Holds no secret and no user's text.
package struct AuditRecord: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case pairingAccepted = "pairing.accepted"
        case pairingRefused = "pairing.refused"
        case invitationCreated = "invitation.created"
        /// A connection to the peer port that failed in the handshake: no certificate, another protocol, a version of TLS
        /// that is too old.
        case handshakeRefused = "peer.handshake_refused"
        /// A request on the peer port from somebody who may not make it.
        case peerRefused = "peer.refused"
        case peerForgotten = "peer.forgotten"
        case peerTierChanged = "peer.tier_changed"
        case identityCloned = "identity.cloned"
        case keyCreated = "key.created"
        case keyRevoked = "key.revoked"
        case clientRefused = "client.refused"
        /// A connection that was not taken, or given up for another: a rule keeps its address out, or it has too many.
        case callerRefused = "caller.refused"
        /// A browser signed in to the page.
        case sessionOpened = "session.opened"
        case sessionClosed = "session.closed"
        /// A link with which the owner's browser signs in once.
        case linkCreated = "link.created"
        case peerRenamed = "peer.renamed"
        /// The node takes no new prompts, or takes them again.
        case nodeDraining = "node.draining"
        /// The node was given a new key.
        case identityRenewed = "identity.renewed"
        /// A model was pulled, copied or removed, by this node's owner or through a kin.
        case modelsChanged = "models.changed"
        /// The database was found to be older than it should be.
        case storeOlder = "store.older"

        /// What only the node's owner does, or does not happen at a stranger's will: kept apart, so that no flood of the
        /// rest takes its room.
        package var isOwnersAct: Bool {
            switch self {
            case .pairingAccepted, .invitationCreated, .peerForgotten, .peerTierChanged, .peerRenamed, .keyCreated,
                .keyRevoked, .sessionOpened, .sessionClosed, .linkCreated, .nodeDraining, .identityRenewed,
                .modelsChanged, .storeOlder:
                true
            case .pairingRefused, .handshakeRefused, .peerRefused, .identityCloned, .clientRefused, .callerRefused:
                false
            }
        }
    }

    package var at: WallTime
    package var kind: Kind
    /// The node id or key id it is about, if known.
    package var subject: String?
    /// The address it came from, without the port.
    package var source: String?
    /// Why, in a few words.
    package var reason: String
    /// How many times the same happened; more than one for what was counted together.
    package var count: Int

    package init(
        at: WallTime, kind: Kind, subject: String? = nil, source: String? = nil, reason: String, count: Int = 1
    ) {
        self.at = at
        self.kind = kind
        self.subject = subject
        self.source = source
        self.reason = reason
        self.count = count
    }
}

/// Where refusals and changes of trust are written down. Safe to call from any task or event loop; returns at once.
///
/// The same kind, source and reason within a minute are one line with a count, so that a flood cannot fill the trail.
package protocol AuditTrail: Sendable {
    func record(_ kind: AuditRecord.Kind, subject: String?, source: String?, reason: String)
}
