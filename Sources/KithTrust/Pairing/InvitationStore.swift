// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// One pairing code that this node gave out.
struct Invitation: Sendable {
    enum State: Hashable, Sendable {
        /// May be used until it expires; so many wrong proofs were given. → used, spoilt, withdrawn
        case open(wrongProofs: Int)
        case used
        case spoilt
        case withdrawn
    }

    let secret: PairingSecret
    let tier: Tier
    let expires: MonotonicInstant
    var state: State = .open(wrongProofs: 0)

    /// `nil` while it may be used.
    func refusal(now: MonotonicInstant) -> PairingRefusal? {
        switch state {
        case .used: .alreadyUsed
        case .spoilt: .spoilt
        case .withdrawn: .unknownInvitation
        case .open: now >= expires ? .expired : nil
        }
    }

    mutating func noteWrongProof(limit: Int) {
        guard case .open(let wrongProofs) = state else { return }
        state = wrongProofs + 1 >= limit ? .spoilt : .open(wrongProofs: wrongProofs + 1)
    }
}

/// The inviting side of pairing: which codes are valid, and who may use them.
///
/// A pure value: it is told what arrives and when, and says what to answer. A code works once. Every attempt gets a fresh
/// challenge that can be answered once, so nothing that was recorded can be sent again. Invitations do not outlive the
/// process.
package struct InvitationStore: Sendable {
    package static let defaultLifetime: Duration = .seconds(10 * 60)
    package static let longestLifetime: Duration = .seconds(24 * 60 * 60)
    package static let challengeLifetime: Duration = .seconds(30)
    package static let openLimit = 16
    package static let challengeLimit = 256
    /// Of one invitation. More put the oldest out: whoever knows the name of an invitation must not keep others from this one, nor
    /// from another.
    package static let challengesPerInvitation = 16
    /// The number of wrong proofs that makes an invitation invalid.
    package static let wrongProofLimit = 5
    /// How many of the last invitations are remembered, to say why a code no longer works.
    private static let memory = 64

    private struct Challenge {
        let joiner: NodeID
        let invitation: InvitationID
        let joinerNonce: Octets32
        let nonce: Octets32
        let expires: MonotonicInstant
    }

    private let inviter: NodeID
    private var limit = AttemptLimit()
    /// Oldest first.
    private var invitations: [Invitation] = []
    private var challenges: [Challenge] = []

    package init(inviter: NodeID) { self.inviter = inviter }

    // MARK: - Invitations

    /// Makes a code that works once within `lifetime`, which is limited to between a second and 24 hours.
    ///
    /// - Parameter generator: must be the system's outside of tests: the code is as secret as it is unpredictable.
    package mutating func invite(
        tier: Tier, lifetime: Duration = defaultLifetime, addresses: [PeerAddress], now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> Result<PairingCode, PairingRefusal> {
        guard invitations.count(where: { $0.refusal(now: now) == nil }) < Self.openLimit else {
            return .failure(.tooManyInvitations)
        }
        let seed = PairingSeed(using: &generator)
        let held = min(max(lifetime, .seconds(1)), Self.longestLifetime)
        invitations.append(Invitation(secret: PairingSecret(seed), tier: tier, expires: now + held))
        if invitations.count > Self.memory,
            let oldest = invitations.firstIndex(where: { $0.refusal(now: now) != nil })
        {
            invitations.remove(at: oldest)
        }
        return .success(PairingCode(inviter: inviter, addresses: addresses, seed: seed, tier: tier))
    }

    /// The codes that can still be used.
    package func open(now: MonotonicInstant) -> [(id: InvitationID, tier: Tier, expires: MonotonicInstant)] {
        invitations.filter { $0.refusal(now: now) == nil }.map { ($0.secret.invitation, $0.tier, $0.expires) }
    }

    /// - Returns: whether there was such an open invitation.
    @discardableResult
    package mutating func withdraw(_ id: InvitationID, now: MonotonicInstant) -> Bool {
        guard let index = index(of: id), invitations[index].refusal(now: now) == nil else { return false }
        invitations[index].state = .withdrawn
        return true
    }

    private func index(of id: InvitationID) -> Int? { invitations.firstIndex { $0.secret.invitation == id } }

    /// What an open invitation would make of a node; `nil` where there is none of that name.
    package func tier(of id: InvitationID) -> Tier? { index(of: id).map { invitations[$0].tier } }

    // MARK: - Attempts

    /// Answers the first message of a node that wants to join.
    ///
    /// - Parameters:
    ///   - joiner: whose certificate was shown in the TLS handshake.
    ///   - source: the address it came from, without the port.
    package mutating func answer(
        _ hello: PairingHello, from joiner: NodeID, source: String, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> Result<PairingChallenge, PairingRefusal> {
        let index = index(of: hello.invitation)
        let refusal = index.map { invitations[$0].refusal(now: now) } ?? .unknownInvitation
        if let refusal { return .failure(limit.admits(source, now: now) ? refusal : .tooManyAttempts) }
        if joiner == inviter { return .failure(.ownCode) }
        challenges.removeAll { now >= $0.expires }
        let open = challenges.indices.filter { challenges[$0].invitation == hello.invitation }
        if open.count >= Self.challengesPerInvitation, let oldest = open.first { challenges.remove(at: oldest) }
        guard challenges.count < Self.challengeLimit else { return .failure(.tooManyAttempts) }
        let challenge = Challenge(
            joiner: joiner, invitation: hello.invitation, joinerNonce: hello.nonce,
            nonce: Octets32(using: &generator), expires: now + Self.challengeLifetime)
        challenges.append(challenge)
        return .success(PairingChallenge(nonce: challenge.nonce))
    }

    /// Decides about a proof, and uses the invitation up when it is right.
    ///
    /// - Returns: the new peer, and what to answer it.
    package mutating func answer(
        _ proof: PairingProof, from joiner: NodeID, source: String, introduction: PairingIntroduction,
        now: MonotonicInstant
    ) -> Result<(peer: PairedNode, acceptance: PairingAcceptance), PairingRefusal> {
        guard let place = challenges.firstIndex(where: { $0.nonce == proof.challenge && $0.joiner == joiner }) else {
            return .failure(limit.admits(source, now: now) ? .replayed : .tooManyAttempts)
        }
        let challenge = challenges.remove(at: place)
        guard now < challenge.expires else { return .failure(.challengeExpired) }
        guard let index = index(of: challenge.invitation) else { return .failure(.unknownInvitation) }
        if let refusal = invitations[index].refusal(now: now) { return .failure(refusal) }
        let invitation = invitations[index]
        let transcript = PairingTranscript(
            inviter: inviter, joiner: joiner, joinerNonce: challenge.joinerNonce, inviterNonce: challenge.nonce,
            tier: invitation.tier)
        guard transcript.isJoinerProof(proof.mac, proof.introduction, secret: invitation.secret),
            let mac = transcript.inviterProof(introduction, after: proof.mac, secret: invitation.secret)
        else {
            invitations[index].noteWrongProof(limit: Self.wrongProofLimit)
            return .failure(.wrongProof)
        }
        invitations[index].state = .used
        return .success(
            (
                PairedNode(id: joiner, tier: invitation.tier, introduction: proof.introduction),
                PairingAcceptance(mac: mac, introduction: introduction)
            ))
    }
}

/// How often strangers may try within a minute, each address by itself and all together.
///
/// A node that names an open invitation, which strangers cannot guess, is not counted: many nodes may join from one
/// address, and a flood of strangers does not keep out an invited node. Wrong proofs make the invitation itself invalid.
struct AttemptLimit: Sendable {
    static let window: Duration = .seconds(60)

    let perSource: Int
    let overall: Int
    /// The attempts of the last minute, oldest first.
    private var recent: [(at: MonotonicInstant, source: String)] = []

    init(perSource: Int = 10, overall: Int = 60) {
        self.perSource = perSource
        self.overall = overall
    }

    /// Counts an attempt that is let through.
    mutating func admits(_ source: String, now: MonotonicInstant) -> Bool {
        recent.removeAll { now - $0.at >= Self.window }
        guard recent.count(where: { $0.source == source }) < perSource, recent.count < overall else { return false }
        recent.append((now, source))
        return true
    }
}
