// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTrust

/// Two nodes that are about to pair, and the time.
final class PairingScene {
    var generator: SeededGenerator
    let inviter: NodeID
    let joiner: NodeID
    let stranger: NodeID
    var invitations: InvitationStore
    var now = MonotonicInstant(nanoseconds: 1_000_000_000_000)
    let inviterSays: PairingIntroduction
    let joinerSays: PairingIntroduction

    init(seed: UInt64 = 1) {
        var generator = SeededGenerator(seed: seed)
        inviter = .random(using: &generator)
        joiner = .random(using: &generator)
        stranger = .random(using: &generator)
        invitations = InvitationStore(inviter: inviter)
        inviterSays = PairingIntroduction(name: NodeName("desk"), addresses: [.random(using: &generator)])
        joinerSays = PairingIntroduction(
            name: NodeName("laptop"), addresses: [.random(using: &generator), .random(using: &generator)])
        self.generator = generator
    }

    func invite(_ tier: Tier = .kin, lifetime: Duration = .seconds(600)) throws -> PairingCode {
        try invitations.invite(tier: tier, lifetime: lifetime, addresses: [], now: now, using: &generator).get()
    }

    func join(_ code: PairingCode, as id: NodeID? = nil) -> JoinAttempt {
        JoinAttempt(code: code, joiner: id ?? joiner, introduction: joinerSays, using: &generator)
    }

    /// - Parameter sender: whose certificate the inviter sees.
    func send(
        _ hello: PairingHello, from sender: NodeID? = nil, source: String = "10.0.0.2"
    ) -> Result<PairingChallenge, PairingRefusal> {
        invitations.answer(hello, from: sender ?? joiner, source: source, now: now, using: &generator)
    }

    func send(
        _ proof: PairingProof, from sender: NodeID? = nil, source: String = "10.0.0.2"
    ) -> Result<(peer: PairedNode, acceptance: PairingAcceptance), PairingRefusal> {
        invitations.answer(proof, from: sender ?? joiner, source: source, introduction: inviterSays, now: now)
    }

    /// Goes as far as the proof that answers the challenge.
    func proof(by attempt: inout JoinAttempt, source: String = "10.0.0.2") throws -> PairingProof {
        let challenge = try send(attempt.hello, source: source).get()
        return try attempt.answer(challenge, from: inviter).get()
    }

    /// Makes a proof that is one bit off.
    func wrongProof(with code: PairingCode, source: String) throws -> PairingProof {
        var attempt = join(code)
        var proof = try proof(by: &attempt, source: source)
        proof.mac = proof.challenge
        return proof
    }
}
