// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel
import SwiftASN1
package import SystemPackage
import X509

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
