// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTrust
import Synchronization

/// Gives out pairing codes and receives those who bring them.
package final class PairingDesk: Sendable {
    private let identity: NodeIdentity
    private let trust: TrustBook
    private let clock: any TimeSource
    private let audit: any AuditTrail
    private let introduction: @Sendable () -> PairingIntroduction
    /// Called before a new kin is told that it is one, so that others know it when it comes to them.
    private let onKin: @Sendable () async -> Void
    private let book: Mutex<InvitationBook>

    package init(
        identity: NodeIdentity, trust: TrustBook, clock: any TimeSource, audit: any AuditTrail,
        introduction: @escaping @Sendable () -> PairingIntroduction, onKin: @escaping @Sendable () async -> Void
    ) {
        self.identity = identity
        self.trust = trust
        self.clock = clock
        self.audit = audit
        self.introduction = introduction
        self.onKin = onKin
        book = Mutex(InvitationBook(inviter: identity.id))
    }

    func invite(tier: Tier, lifetime: Duration) -> Result<PairingCode, PairingRefusal> {
        let addresses = introduction().addresses
        var generator = SystemRandomNumberGenerator()
        let made = book.withLock {
            $0.invite(tier: tier, lifetime: lifetime, addresses: addresses, now: clock.now, using: &generator)
        }
        if case .success = made {
            audit.record(.invitationCreated, subject: nil, source: nil, reason: "\(tier.rawValue), for \(lifetime)")
        }
        return made
    }

    func answer(_ hello: PairingHello, from caller: PeerConnections.Caller) throws -> PairingChallenge {
        var generator = SystemRandomNumberGenerator()
        return try accepted(
            book.withLock {
                $0.answer(hello, from: caller.id, source: caller.source, now: clock.now, using: &generator)
            }, from: caller)
    }

    func answer(_ proof: PairingProof, from caller: PeerConnections.Caller) async throws -> PairingAcceptance {
        let introduction = introduction()
        let (peer, acceptance) = try accepted(
            book.withLock {
                $0.answer(
                    proof, from: caller.id, source: caller.source, introduction: introduction, now: clock.now)
            }, from: caller)
        try await trust.admit(
            peer.id, as: peer.tier, name: peer.introduction.name, addresses: peer.introduction.addresses, at: .now())
        audit.record(
            .pairingAccepted, subject: peer.id.description, source: caller.source, reason: peer.tier.rawValue)
        if peer.tier == .kin { await onKin() }
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
            throw PairingRejection(pairing: refusal)
        }
    }
}
