// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithModel
import NIOSSL
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The certificate of a node's key.
enum NodeCertificate {
    /// The end of a certificate that has none (RFC 5280, section 4.1.2.5): 9999-12-31T23:59:59Z.
    private static let never = Date(timeIntervalSince1970: 253_402_300_799)

    /// Makes the certificate of `key`: valid from the day before, because clocks differ, and without an end.
    ///
    /// It says nothing about the node or its owner. The alternative names are for client programs on the same machine,
    /// which may be told to trust this certificate and then insist on a name.
    static func make(for key: P256.Signing.PrivateKey, now: WallTime) throws -> [UInt8] {
        let name = try DistinguishedName { CommonName("kith") }
        let dayBefore = now.advanced(by: .seconds(-86_400))
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: Double(dayBefore.milliseconds / 1_000)),
            notValidAfter: never,
            issuer: name,
            subject: name,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                SubjectAlternativeNames([
                    .dnsName("kith"), .dnsName("localhost"),
                    .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                    .ipAddress(ASN1OctetString(contentBytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
                ])
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }
}

/// What a peer's certificate tells: the key, and nothing else.
enum PeerCertificate {
    /// The node that the only certificate of `chain` names.
    ///
    /// Names and dates are not checked: nodes are told apart by key, and a clock that is wrong must not cut a node off.
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
