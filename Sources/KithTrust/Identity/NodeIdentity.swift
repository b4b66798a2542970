// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel
package import NIOSSL
import SwiftASN1
package import SystemPackage
import X509

/// The public half of a node's key, by which everybody can check what the node has signed.
package struct NodePublicKey: Hashable, Sendable {
    /// How many bytes ``bytes`` are.
    package static let length = 65
    /// How many bytes a signature has.
    package static let signatureLength = 64

    /// The uncompressed point (SEC 1, section 2.3.3).
    package let bytes: [UInt8]
    /// SHA-256 of the key in the form in which certificates hold it (SubjectPublicKeyInfo, RFC 5480, in DER).
    package let id: NodeID

    /// - Returns: `nil` when it is not an uncompressed point on the curve P-256.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length, let key = try? P256.Signing.PublicKey(x963Representation: Array(bytes)) else {
            return nil  // why it is not a point says nothing more
        }
        self.init(key)
    }

    init?(_ key: P256.Signing.PublicKey) {
        guard let id = NodeID(digest: Array(SHA256.hash(data: key.derRepresentation))) else { return nil }
        self.bytes = Array(key.x963Representation)
        self.id = id
    }

    /// Whether the holder of the private key signed `message`: ECDSA over SHA-256, as two numbers of 32 bytes.
    package func verifies(_ signature: some Collection<UInt8>, of message: some Collection<UInt8>) -> Bool {
        guard signature.count == Self.signatureLength,
            let key = try? P256.Signing.PublicKey(x963Representation: bytes),
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: Array(signature))
        else { return false }
        return key.isValidSignature(signature, for: Array(message))
    }
}

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
    package var fingerprint: String { SHA256.hash(data: certificate).hexadecimal }

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

extension NodeIdentity {
    /// Reads the identity in `folder`. Makes one only when nothing was ever there: no file in the folder, and no id that
    /// the node's database remembers.
    ///
    /// - Parameters:
    ///   - expected: the id that the node had when it last ran; `nil` on its very first start.
    ///   - now: for the first day of a new certificate.
    /// - Throws: ``IdentityError`` when files are missing, damaged, open to others, or another node's. Nothing has been
    ///   changed then.
    package static func open(
        folder path: FilePath, expected: NodeID?, now: WallTime
    ) throws(IdentityError) -> NodeIdentity {
        let folder = IdentityFolder(path: path)
        if try !folder.holdsIdentity() {
            guard expected == nil else { throw .missing(.keyMissing, folder.key) }
            try create(in: folder, now: now)
        }
        let identity = try read(folder)
        if let expected, identity.id != expected {
            throw IdentityError(
                .otherIdentity, "\(folder.key) is the key of \(identity.id), but this node is \(expected).",
                fix: """
                    Restore this node's own files; or "kith rekey" makes a new identity, which has to be paired again.
                    """)
        }
        return identity
    }

    /// Makes a new identity in `folder`; what was there, whole or not, is kept beside it.
    ///
    /// Peers know the node by its old id: it has to be paired again.
    ///
    /// - Returns: the new identity, and the folder with the old files, if there were any.
    package static func renew(
        folder path: FilePath, now: WallTime
    ) throws(IdentityError) -> (identity: NodeIdentity, kept: FilePath?) {
        let folder = IdentityFolder(path: path)
        let old = (try? read(folder))?.id.short ?? "unknown"  // what is damaged may be renewed as well
        let digits = now.rfc3339.prefix(19).filter { $0 != "-" && $0 != ":" }
        var kept: FilePath?
        do {
            kept = try folder.moveAside(as: "old-\(old)-\(digits)")
        } catch {
            throw .unwritable(path, cause: error)
        }
        try create(in: folder, now: now)
        return (try read(folder), kept)
    }

    /// An identity that is gone with its last copy, for tests and for nodes that keep nothing.
    package static func ephemeral(now: WallTime) throws(IdentityError) -> NodeIdentity {
        let key = P256.Signing.PrivateKey()
        guard let identity = NodeIdentity(key: key, certificate: try certificate(for: key, now: now)) else {
            throw IdentityError(.failed, "No identity could be made.", fix: "Try again.")
        }
        return identity
    }

    private static func certificate(for key: P256.Signing.PrivateKey, now: WallTime) throws(IdentityError) -> [UInt8] {
        do {
            return try NodeCertificate.make(for: key, now: now)
        } catch {
            throw IdentityError(
                .failed, "No certificate could be made.", fix: "Check the machine's clock: it says \(now).",
                cause: error)
        }
    }

    private static func create(in folder: IdentityFolder, now: WallTime) throws(IdentityError) {
        let key = P256.Signing.PrivateKey()
        let certificate = try certificate(for: key, now: now)
        let certificatePEM = PEMDocument(type: Certificate.defaultPEMDiscriminator, derBytes: certificate).pemString
        do {
            try folder.createWhole(
                key: Array((key.pemRepresentation + "\n").utf8), certificate: Array((certificatePEM + "\n").utf8))
        } catch {
            throw .unwritable(folder.path, cause: error)
        }
    }

    private static func read(_ folder: IdentityFolder) throws(IdentityError) -> NodeIdentity {
        try folder.check()
        guard try IdentityFolder.exists(folder.key) else { throw .missing(.keyMissing, folder.key) }
        guard try IdentityFolder.exists(folder.certificate) else {
            throw .missing(.certificateMissing, folder.certificate)
        }
        let keyPEM = try pem(try folder.read(folder.key, isSecret: true), of: folder.key)
        let key: P256.Signing.PrivateKey
        do {
            key = try P256.Signing.PrivateKey(pemRepresentation: keyPEM)
        } catch {
            // The cause is left out: it might quote what it could not read.
            throw .unusable(.damaged, folder.key, "does not hold a P-256 private key")
        }
        let certificatePEM = try pem(try folder.read(folder.certificate, isSecret: false), of: folder.certificate)
        let certificate: Certificate
        let bytes: [UInt8]
        do {
            bytes = try PEMDocument(pemString: certificatePEM).derBytes
            certificate = try Certificate(derEncoded: bytes)
        } catch {
            throw .unusable(.damaged, folder.certificate, "does not hold a certificate", cause: error)
        }
        guard certificate.publicKey == Certificate.PublicKey(key.publicKey),
            let identity = NodeIdentity(key: key, certificate: bytes)
        else {
            throw IdentityError(
                .mismatch, "\(folder.certificate) is not the certificate of \(folder.key).",
                fix: "Restore both files from the same backup.")
        }
        return identity
    }

    /// - Returns: The text of `bytes`, which has a first and a last line as PEM has.
    private static func pem(_ bytes: [UInt8], of file: FilePath) throws(IdentityError) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        if bytes.isEmpty { throw .unusable(.truncated, file, "is empty") }
        guard text.contains("-----BEGIN ") else { throw .unusable(.notPEM, file, "is not in PEM form") }
        guard text.contains("-----END ") else { throw .unusable(.truncated, file, "ends too early") }
        return text
    }
}
