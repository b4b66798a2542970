// SPDX-License-Identifier: Apache-2.0

import KithModel

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
    let expires: Moment
    var state: State = .open(wrongProofs: 0)

    /// `nil` while it may be used.
    func refusal(now: Moment) -> PairingRefusal? {
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
