// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithModel

/// Everything that both sides of one pairing attempt must agree on; the proofs are message authentication codes over it
/// (HMAC-SHA256, RFC 2104).
///
/// The ids are those which each side saw in its own TLS handshake, so a proof that is passed on through somebody in the
/// middle does not fit.
struct PairingTranscript {
    var inviter: NodeID
    var joiner: NodeID
    var joinerNonce: Octets32
    var inviterNonce: Octets32
    var tier: Tier

    /// What the joiner sends.
    func joinerProof(_ introduction: PairingIntroduction, secret: PairingSecret) -> Octets32? {
        mac(message(role: "joiner", introduction), secret)
    }

    /// What the inviter sends; covers the joiner's proof and thereby what the joiner said of itself.
    func inviterProof(
        _ introduction: PairingIntroduction, after joinerProof: Octets32, secret: PairingSecret
    ) -> Octets32? {
        mac(message(role: "inviter", introduction) + joinerProof.bytes, secret)
    }

    /// Compares in constant time.
    func isJoinerProof(_ proof: Octets32, _ introduction: PairingIntroduction, secret: PairingSecret) -> Bool {
        isValid(proof, message(role: "joiner", introduction), secret)
    }

    /// Compares in constant time.
    func isInviterProof(
        _ proof: Octets32, _ introduction: PairingIntroduction, after joinerProof: Octets32,
        secret: PairingSecret
    ) -> Bool {
        isValid(proof, message(role: "inviter", introduction) + joinerProof.bytes, secret)
    }

    private func message(role: String, _ introduction: PairingIntroduction) -> [UInt8] {
        var writer = FieldWriter()
        writer.put(counted: "kith pairing 1".utf8)
        writer.put(counted: role.utf8)
        writer.put(fixed: inviter.digest)
        writer.put(fixed: joiner.digest)
        writer.put(fixed: joinerNonce.bytes)
        writer.put(fixed: inviterNonce.bytes)
        writer.put(counted: tier.rawValue.utf8)
        writer.put(counted: (introduction.name?.rawValue ?? "").utf8)
        writer.put(UInt16(clamping: introduction.addresses.count))
        for address in introduction.addresses { writer.put(counted: address.description.utf8) }
        return writer.bytes
    }

    private func key(_ secret: PairingSecret) -> SymmetricKey {
        secret.key(nonces: joinerNonce.bytes + inviterNonce.bytes)
    }

    private func mac(_ message: [UInt8], _ secret: PairingSecret) -> Octets32? {
        Octets32(Array(HMAC<SHA256>.authenticationCode(for: message, using: key(secret))))
    }

    private func isValid(_ proof: Octets32, _ message: [UInt8], _ secret: PairingSecret) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(proof.bytes, authenticating: message, using: key(secret))
    }
}
