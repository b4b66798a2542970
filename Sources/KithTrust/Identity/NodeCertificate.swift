// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithModel
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
