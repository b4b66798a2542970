// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithModel
import NIOSSL
import SwiftASN1
import X509

/// What a peer's certificate tells: the key, and nothing else.
enum PeerCertificate {
    /// The node that the only certificate of `chain` names.
    ///
    /// Names and dates are not looked at: nodes are told apart by key, and a clock that is wrong must not cut a node off.
    static func node(in chain: [NIOSSLCertificate]) -> Result<NodeID, HandshakeRefusal> {
        guard let leaf = chain.first else { return .failure(HandshakeRefusal(.noCertificate)) }
        guard chain.count == 1 else { return .failure(HandshakeRefusal(.severalCertificates)) }
        return node(of: leaf)
    }

    static func node(of certificate: NIOSSLCertificate) -> Result<NodeID, HandshakeRefusal> {
        let parsed: Certificate
        do {
            // Not by NIOSSL's own key extraction, which traps on keys that BoringSSL does not know.
            parsed = try Certificate(derEncoded: try certificate.toDERBytes())
        } catch is CertificateError {
            return .failure(HandshakeRefusal(.otherKeyType))
        } catch {
            return .failure(HandshakeRefusal(.unreadableCertificate))
        }
        guard let key = P256.Signing.PublicKey(parsed.publicKey), let id = NodePublicKey(key)?.id else {
            return .failure(HandshakeRefusal(.otherKeyType))
        }
        guard parsed.issuer == parsed.subject, parsed.publicKey.isValidSignature(parsed.signature, for: parsed) else {
            return .failure(HandshakeRefusal(.notSelfSigned, seen: id))
        }
        return .success(id)
    }
}
