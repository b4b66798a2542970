// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel
package import NIOSSL

/// Who this node is: a P-256 key and a certificate that the key signed itself.
///
/// The certificate is only what TLS needs to carry the key. Peers pin the id, which is the key's digest, and ignore names
/// and dates in the certificate. The private key has no way out but into TLS and signatures: descriptions and reflection
/// show the id.
package struct NodeIdentity: Sendable {
    package let publicKey: NodePublicKey
    /// The certificate in DER.
    package let certificate: [UInt8]
    private let key: P256.Signing.PrivateKey

    package var id: NodeID { publicKey.id }

    /// SHA-256 of the certificate, in hexadecimal: what clients of this node compare.
    package var fingerprint: String {
        SHA256.hash(data: certificate).map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
    }

    init?(key: P256.Signing.PrivateKey, certificate: [UInt8]) {
        guard let publicKey = NodePublicKey(key.publicKey) else { return nil }
        self.publicKey = publicKey
        self.certificate = certificate
        self.key = key
    }

    /// Signs as ``NodePublicKey/verifies(_:of:)`` checks.
    package func sign(_ message: some Collection<UInt8>) throws -> [UInt8] {
        Array(try key.signature(for: Array(message)).rawRepresentation)
    }

    /// What a TLS listener or client shows and proves: for the peer port, and for client surfaces without a certificate
    /// of their own.
    package func tlsSources() throws -> (certificate: NIOSSLCertificateSource, key: NIOSSLPrivateKeySource) {
        (
            .certificate(try NIOSSLCertificate(bytes: certificate, format: .der)),
            .privateKey(try NIOSSLPrivateKey(bytes: Array(key.derRepresentation), format: .der))
        )
    }
}

extension NodeIdentity: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "identity of \(id)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}
