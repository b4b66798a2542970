// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
package import KithModel
import KithServer
import KithTransport
package import KithTrust
import NIOCore
import Synchronization

/// Issues pairing codes and receives the nodes that bring them.
package final class PairingService: Sendable {
    private let identity: NodeIdentity
    private let trust: TrustStore
    private let clock: any TimeSource
    private let audit: any AuditTrail
    private let introduction: @Sendable () -> PairingIntroduction
    /// Called before a new kin is told that it is one, so that others know it when it comes to them.
    private let onKin: @Sendable () async -> Void
    private let invitations: Mutex<InvitationStore>
    let news: Callback<MeshNews>

    package init(
        identity: NodeIdentity, trust: TrustStore, clock: any TimeSource, audit: any AuditTrail,
        introduction: @escaping @Sendable () -> PairingIntroduction, onKin: @escaping @Sendable () async -> Void,
        news: Callback<MeshNews> = Callback()
    ) {
        self.news = news
        self.identity = identity
        self.trust = trust
        self.clock = clock
        self.audit = audit
        self.introduction = introduction
        self.onKin = onKin
        invitations = Mutex(InvitationStore(inviter: identity.id))
    }

    func invite(tier: Tier, lifetime: Duration) -> Result<PairingCode, PairingRefusal> {
        let addresses = introduction().addresses
        var generator = SystemRandomNumberGenerator()
        let made = invitations.withLock {
            $0.invite(tier: tier, lifetime: lifetime, addresses: addresses, now: clock.now, using: &generator)
        }
        if case .success = made {
            let reason = "\(tier.rawValue), for \(Int(lifetime.seconds)) s"
            audit.record(.invitationCreated, subject: nil, source: nil, reason: reason)
            news(.invited(tier))
        }
        return made
    }

    /// Whether this node made the code, and it can still be used.
    func made(_ code: PairingCode) -> Bool {
        if let place = code.place { return place.inviter.isBeginning(of: identity.id) }
        let id = code.invitation
        return invitations.withLock { $0.open(now: clock.now).contains { $0.id == id } }
    }

    func answer(_ hello: PairingHello, from caller: PeerConnections.Caller) throws -> PairingChallenge {
        var generator = SystemRandomNumberGenerator()
        let isKin = trust.standing(of: caller.id) == .kin
        return try accepted(
            invitations.withLock {
                if isKin, $0.tier(of: hello.invitation) == .kith { return .failure(.alreadyKin) }
                return $0.answer(
                    hello, from: caller.id, source: caller.source, now: clock.now, using: &generator)
            }, from: caller)
    }

    func answer(_ proof: PairingProof, from caller: PeerConnections.Caller) async throws -> PairingAcceptance {
        let introduction = introduction()
        let (peer, acceptance) = try accepted(
            invitations.withLock {
                $0.answer(
                    proof, from: caller.id, source: caller.source, introduction: introduction, now: clock.now)
            }, from: caller)
        try await trust.admit(
            peer.id, as: peer.tier, name: peer.introduction.name, addresses: peer.introduction.addresses, at: .now())
        audit.record(
            .pairingAccepted, subject: peer.id.description, source: caller.source, reason: peer.tier.rawValue)
        if peer.tier == .kin { await onKin() }
        news(.paired(peer.id, peer.introduction.name, peer.tier))
        return acceptance
    }

    private func accepted<Value>(
        _ result: Result<Value, PairingRefusal>, from caller: PeerConnections.Caller
    ) throws -> Value {
        switch result {
        case .success(let value): return value
        case .failure(let refusal):
            audit.record(
                .pairingRefused, subject: caller.id.description, source: caller.source, reason: refusal.rawValue)
            throw PairingRefusalMessage(pairing: refusal)
        }
    }
}

/// All that a stranger can reach: bringing a pairing code.
struct PairingRoutes: Sendable {
    static let bodyLimit = 16 << 10

    let services: PeerServices

    func add(to router: PeerRouter) {
        router.peer(PeerWire.pairingHelloPath, .post, for: .anyone, of: services) { request, caller in
            let hello = try await request.decode(PairingHello.self, upTo: Self.bodyLimit)
            return try Response.json(try services.pairing.answer(hello, from: caller))
        }
        router.peer(PeerWire.pairingProofPath, .post, for: .anyone, of: services) { request, caller in
            let proof = try await request.decode(PairingProof.self, upTo: Self.bodyLimit)
            return try Response.json(try await services.pairing.answer(proof, from: caller))
        }
    }
}

/// Why a pairing was refused; the body of a 403 on the pairing routes is `{"pairing": …}`.
struct PairingRefusalMessage: Error, Codable, Hashable, Sendable {
    var pairing: PairingRefusal
}
