// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The joining side of one pairing: a pure value that says what to send and whether to trust the answer.
package struct JoinAttempt: Sendable {
    private enum State {
        /// The hello may be sent. → proving
        case greeting
        /// The challenge has been answered. → over
        case proving(PairingTranscript, proof: Octets32)
        case over
    }

    private let expected: ExpectedNode
    private let tier: Tier
    private let secret: PairingSecret
    private let joiner: NodeID
    private let introduction: PairingIntroduction
    private var state: State = .greeting

    /// The first message.
    package private(set) var hello: PairingHello

    /// - Parameters:
    ///   - joiner: this node.
    ///   - generator: must be the system's outside of tests.
    package init(
        code: PairingCode, joiner: NodeID, introduction: PairingIntroduction,
        using generator: inout some RandomNumberGenerator
    ) {
        expected = code.expected
        tier = code.tier
        secret = PairingSecret(code.seed)
        self.joiner = joiner
        self.introduction = introduction
        hello = PairingHello(invitation: secret.invitation, nonce: Octets32(using: &generator))
    }

    /// Another attempt with the same code, whose key is made by much work and only once.
    package func anew(using generator: inout some RandomNumberGenerator) -> JoinAttempt {
        var attempt = self
        attempt.state = .greeting
        attempt.hello.nonce = Octets32(using: &generator)
        return attempt
    }

    /// Answers the challenge, once.
    ///
    /// - Parameter inviter: whose certificate was shown in the TLS handshake.
    package mutating func answer(
        _ challenge: PairingChallenge, from inviter: NodeID
    ) -> Result<PairingProof, PairingRefusal> {
        guard case .greeting = state else { return .failure(.replayed) }
        state = .over
        if joiner == inviter { return .failure(.ownCode) }
        guard expected.admits(inviter) else { return .failure(.otherNode) }
        let transcript = PairingTranscript(
            inviter: inviter, joiner: joiner, joinerNonce: hello.nonce, inviterNonce: challenge.nonce, tier: tier)
        guard let mac = transcript.joinerProof(introduction, secret: secret) else { return .failure(.malformed) }
        state = .proving(transcript, proof: mac)
        return .success(PairingProof(challenge: challenge.nonce, mac: mac, introduction: introduction))
    }

    /// Decides whether the inviter knows the secret as well. Only then may it be trusted.
    package mutating func conclude(
        _ acceptance: PairingAcceptance, from inviter: NodeID
    ) -> Result<PairedNode, PairingRefusal> {
        guard case .proving(let transcript, let proof) = state else { return .failure(.replayed) }
        state = .over
        guard inviter == transcript.inviter else { return .failure(.otherNode) }
        guard
            transcript.isInviterProof(
                acceptance.mac, acceptance.introduction, after: proof, secret: secret)
        else { return .failure(.wrongProof) }
        return .success(PairedNode(id: inviter, tier: tier, introduction: acceptance.introduction))
    }
}

/// The other node of a pairing. Its id is proven; what it says of itself was sent by a holder of the code.
package struct PairedNode: Hashable, Sendable {
    package let id: NodeID
    package let tier: Tier
    package let introduction: PairingIntroduction
}
