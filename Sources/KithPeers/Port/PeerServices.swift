// SPDX-License-Identifier: Apache-2.0

package import KithInference
package import KithMembership
package import KithModel

/// What the routes of the peer port work with.
package struct PeerServices: Sendable {
    package var connections: PeerConnections
    package var trust: TrustBook
    package var membership: MembershipService
    package var directory: PeerDirectory
    package var pairing: PairingDesk
    package var localEngine: LocalEngine?
    package var work: PeerWork
    /// `nil` for a node that shares no state.
    var state: StateSync?
    package var clock: any TimeSource
    package var audit: any AuditTrail
    /// Bytes of a request for an answer.
    package var generateLimit: Int
    /// What this node says of itself.
    package var hello: @Sendable () -> PeerHello

    init(
        connections: PeerConnections, trust: TrustBook, membership: MembershipService, directory: PeerDirectory,
        pairing: PairingDesk, localEngine: LocalEngine?, work: PeerWork, state: StateSync?, clock: any TimeSource,
        audit: any AuditTrail,
        generateLimit: Int, hello: @escaping @Sendable () -> PeerHello
    ) {
        self.connections = connections
        self.trust = trust
        self.membership = membership
        self.directory = directory
        self.pairing = pairing
        self.localEngine = localEngine
        self.work = work
        self.state = state
        self.clock = clock
        self.audit = audit
        self.generateLimit = generateLimit
        self.hello = hello
    }

    /// Writes a refusal down, and notices a copy of this node.
    func refused(_ caller: PeerConnections.Caller, _ refusal: PeerRefusal) {
        if refusal.refused == .sameIdentity { return directory.sawCopy(at: caller.source) }
        audit.record(
            .peerRefused, subject: caller.id.description, source: caller.source, reason: refusal.refused.rawValue)
    }

    func refusedTooLarge(_ caller: PeerConnections.Caller) {
        audit.record(.peerRefused, subject: caller.id.description, source: caller.source, reason: "too large")
    }
}
