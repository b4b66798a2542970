// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithFiles
package import KithModel
import NIOSSL
import SwiftASN1
package import SystemPackage
import X509

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Under which names and addresses clients reach a node.
package struct ClientNames: Hashable, Sendable {
    /// Certificates with very many names are refused by some clients.
    private static let limit = 64

    package let names: [String]
    /// In network order, 4 or 16 bytes each.
    package let addresses: [[UInt8]]

    /// - Parameters:
    ///   - names: Those that are no host names are left out.
    ///   - addresses: In network order; those that have not 4 or 16 bytes are left out.
    package init(names: [String], addresses: [[UInt8]]) {
        let possible = Set(names.map { $0.lowercased() }.filter(Self.isHostName))
        self.names = Array(possible.sorted().prefix(Self.limit))
        var known: Set<[UInt8]> = []
        // The first ones are the surest.
        let kept = addresses.filter { ($0.count == 4 || $0.count == 16) && known.insert($0).inserted }.prefix(
            Self.limit)
        self.addresses = kept.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// RFC 1123, section 2.1; underscores are used, though not allowed.
    private static func isHostName(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count)
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy { byte in
                        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F
                    }
            }
    }
}

/// A node's own authority for the certificates that it shows to clients: programs that trust it may insist on a name.
///
/// A node's identity names nobody, and its certificate stays as it is. Names and addresses of a machine change; the authority
/// stays, so that programs are told of it once. Whoever has its key can pretend to be any server towards those programs, and
/// lies beside the node's own key, with which that is possible for the node itself.
package struct ClientAuthority: Sendable {
    /// The file that programs are given; it holds no secret.
    package static let fileName = "authority.pem"
    private static let keyName = "authority-key.pem"
    private static let sizeLimit = 16 * 1_024
    /// Ten years.
    private static let lifetime = Duration.seconds(315_360_000)
    /// Some clients refuse certificates that are valid for longer than 398 days.
    package static let leafLifetime = Duration.seconds(397 * 86_400)

    private let certificate: Certificate
    private let key: P256.Signing.PrivateKey

    /// Reads the authority in `folder`, and makes one where there is none, or where it cannot be used any more; that one is kept
    /// beside it.
    ///
    /// - Parameter onReplaced: Called when there was one: programs that trust it have to be given the new one.
    /// - Throws: An error of the file system, or of the libraries that make certificates.
    package static func open(
        folder: FilePath, name: NodeName, now: WallTime, onReplaced: () -> Void = {}
    ) throws -> ClientAuthority {
        if let found = try read(folder), found.isUsable(now: now) { return found }
        for file in [fileName, keyName].map({ folder.appending($0) })
        where rename(file.string, file.string + ".old") == 0 {
            if file.lastComponent?.string == fileName { onReplaced() }
        }
        let made = try ClientAuthority(name: name, now: now)
        try PrivateDirectory.create(folder)
        // The key first: a certificate without its key is made anew.
        try DurableFile.replace(folder.appending(keyName), with: Array(made.key.pemRepresentation.utf8))
        try DurableFile.replace(
            folder.appending(fileName), with: Array((try made.certificate.serializeAsPEM().pemString + "\n").utf8))
        return made
    }

    /// - Throws: `Errno` for files that are there and cannot be read.
    private static func read(_ folder: FilePath) throws -> ClientAuthority? {
        func bytes(_ name: String, check: (Stat) throws -> Void = { _ in }) throws -> [UInt8]? {
            do {
                return try RegularFile.read(folder.appending(name), limit: sizeLimit, check: check)
            } catch Errno.noSuchFileOrDirectory {
                return nil
            }
        }
        guard
            let key = try bytes(keyName, check: isPrivate), let certificate = try bytes(fileName),
            let key = try? P256.Signing.PrivateKey(pemRepresentation: String(decoding: key, as: UTF8.self)),
            let certificate = try? Certificate(pemEncoded: String(decoding: certificate, as: UTF8.self))
        else { return nil }
        return ClientAuthority(certificate: certificate, key: key)
    }

    /// A key that others could read may be theirs by now, as the node's own.
    private static func isPrivate(_ status: Stat) throws {
        let others: FilePermissions = [.groupRead, .groupWrite, .otherRead, .otherWrite]
        guard status.permissions.isDisjoint(with: others) else { throw ExposedKey() }
    }

    /// Others can read the authority's key.
    package struct ExposedKey: Error, CustomStringConvertible {
        package var description: String {
            "\(ClientAuthority.keyName) can be read by others; if nobody did, chmod 600 mends it, else remove the file"
        }
    }

    private init(certificate: Certificate, key: P256.Signing.PrivateKey) {
        self.certificate = certificate
        self.key = key
    }

    private init(name: NodeName, now: WallTime) throws {
        let key = P256.Signing.PrivateKey()
        let subject = try DistinguishedName {
            OrganizationName("kith")
            CommonName("kith on \(name)")
        }
        let start = now.advanced(by: .seconds(-86_400))
        certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: start.date, notValidAfter: now.advanced(by: Self.lifetime).date, issuer: subject,
            subject: subject,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
                SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
        self.key = key
    }

    private func isUsable(now: WallTime) -> Bool {
        certificate.publicKey == Certificate.PublicKey(key.publicKey)
            // One that begins in the future was made by a clock that was wrong, then or now.
            && now.advanced(by: Self.leafLifetime).date < certificate.notValidAfter
    }

    /// A certificate for the node's own key under `names`, followed by the node's certificate, which those compare who know the
    /// node by its fingerprint.
    ///
    /// - Throws: An error of the libraries that make certificates.
    package func issue(to identity: NodeIdentity, names: ClientNames, now: WallTime) throws -> SurfaceTLS {
        let holder = try Certificate(derEncoded: identity.certificate)
        let alternatives: [GeneralName] =
            names.names.map { .dnsName($0) }
            + names.addresses.map { .ipAddress(ASN1OctetString(contentBytes: ArraySlice($0))) }
        let start = now.advanced(by: .seconds(-86_400))
        let leaf = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: holder.publicKey,
            notValidBefore: start.date, notValidAfter: start.advanced(by: Self.leafLifetime).date,
            issuer: certificate.subject, subject: try DistinguishedName { CommonName("kith") },
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                AuthorityKeyIdentifier(
                    keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
                SubjectAlternativeNames(alternatives)
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
        var serializer = DER.Serializer()
        try serializer.serialize(leaf)
        let own = try identity.tlsSources()
        return try SurfaceTLS(
            chain: [
                .certificate(try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)), own.certificate,
            ],
            key: own.key, fingerprint: identity.fingerprint, validity: start...start.advanced(by: Self.leafLifetime))
    }
}

extension WallTime {
    fileprivate var date: Date { Date(timeIntervalSince1970: Double(milliseconds / 1_000)) }
}
