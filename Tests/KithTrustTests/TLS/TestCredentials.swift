// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Foundation
import KithModel
import KithTrust
import NIOSSL
import SwiftASN1
import X509

/// Keys and certificates as peers should not have them.
struct TestCredentials {
    var chain: [NIOSSLCertificate]
    var key: NIOSSLPrivateKey

    static func rsa() throws -> TestCredentials {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        return try make(Certificate.PrivateKey(key), der: key.derRepresentation)
    }

    static func p384() throws -> TestCredentials {
        let key = P384.Signing.PrivateKey()
        return try make(Certificate.PrivateKey(key), der: key.derRepresentation)
    }

    static func p256() throws -> TestCredentials {
        let key = P256.Signing.PrivateKey()
        return try make(Certificate.PrivateKey(key), der: key.derRepresentation)
    }

    /// A P-256 certificate that another key signed, with that key's certificate after it or without.
    static func signedByAnother(withChain: Bool) throws -> TestCredentials {
        let authority = P256.Signing.PrivateKey()
        let key = P256.Signing.PrivateKey()
        let leaf = try certificate(Certificate.PrivateKey(key), signedBy: Certificate.PrivateKey(authority))
        let root = try certificate(Certificate.PrivateKey(authority), signedBy: Certificate.PrivateKey(authority))
        return TestCredentials(
            chain: withChain ? [leaf, root] : [leaf],
            key: try NIOSSLPrivateKey(bytes: Array(key.derRepresentation), format: .der))
    }

    private static func make(_ key: Certificate.PrivateKey, der: Data) throws -> TestCredentials {
        TestCredentials(
            chain: [try certificate(key, signedBy: key)], key: try NIOSSLPrivateKey(bytes: Array(der), format: .der))
    }

    private static func certificate(
        _ key: Certificate.PrivateKey, signedBy issuer: Certificate.PrivateKey
    ) throws -> NIOSSLCertificate {
        let name = try DistinguishedName { CommonName("kith") }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSince1970: 1_700_000_000),
            notValidAfter: Date(timeIntervalSince1970: 4_000_000_000),
            issuer: name, subject: name, extensions: Certificate.Extensions(), issuerPrivateKey: issuer)
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)
    }

    /// Accepts every server; shows this certificate, or none.
    static func careless(_ credentials: TestCredentials?) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = [PeerTLS.applicationProtocol]
        if let credentials {
            configuration.certificateChain = credentials.chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(credentials.key)
        }
        return configuration
    }

    /// A server that asks nobody for a certificate.
    func server() -> TLSConfiguration {
        .makeServerConfiguration(certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    }
}
