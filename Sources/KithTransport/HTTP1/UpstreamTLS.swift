// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel
import NIOCore
import NIOSSL
import SwiftASN1
import Synchronization
import X509

/// TLS towards providers, made when first needed: a node that talks to none does not pay for the root certificates.
final class UpstreamTLS: Sendable {
    private let pin: CertificatePin?
    private let roots: TrustedRoots?
    private let context = Mutex<NIOSSLContext?>(nil)

    /// - Parameters:
    ///   - pin: The certificate that is trusted in place of all that lead to the system's roots.
    ///   - roots: Trusted in place of the system's.
    init(pin: CertificatePin? = nil, roots: TrustedRoots? = nil) {
        self.pin = pin
        self.roots = roots
    }

    /// Must be called on the channel's event loop.
    func secure(_ channel: any Channel, host: String) throws {
        let context = try context.withLock { context in
            if let context { return context }
            var configuration = TLSConfiguration.makeClientConfiguration()
            // A node's own certificate names no host, and the pin says more than a name.
            if pin != nil { configuration.certificateVerification = .noHostnameVerification }
            if let roots { configuration.trustRoots = .certificates(roots.certificates) }
            let made = try NIOSSLContext(configuration: configuration)
            context = made
            return made
        }
        let isName = (try? SocketAddress(ipAddress: host, port: 0)) == nil
        try channel.pipeline.syncOperations.addHandler(handler(context: context, name: isName ? host : nil))
    }

    private func handler(context: NIOSSLContext, name: String?) throws -> NIOSSLClientHandler {
        guard let pin else { return try NIOSSLClientHandler(context: context, serverHostname: name) }
        return try NIOSSLClientHandler(context: context, serverHostname: name) { chain, promise in
            do {
                promise.succeed(pin.accepts(try chain.map { try $0.toDERBytes() }) ? .certificateVerified : .failed)
            } catch {
                promise.succeed(.failed)
            }
        }
    }

    /// Whether a connection failed because one side did not accept the other, or does not speak TLS.
    static func isRefusal(_ error: any Error) -> Bool {
        if case .handshakeFailed? = error as? NIOSSLError { return true }
        return error is NIOSSLExtraError
    }
}

extension ChatError {
    /// Whether somebody answered, and the TLS handshake with them failed.
    package var isTLSRefusal: Bool { cause.map(UpstreamTLS.isRefusal) ?? false }
}

/// The one certificate by which a server is known, by the SHA-256 digest of its DER form: for a node that made its own.
///
/// Takes the place of the chain to a root and of the name: the holder of the certificate's key is the server that is meant.
package struct CertificatePin: Hashable, Sendable {
    private let digest: [UInt8]

    /// Reads a fingerprint as `kith id` and browsers write it: 64 hexadecimal digits; colons, spaces and case do not matter.
    ///
    /// - Returns: `nil` for anything else.
    package init?(fingerprint: String) {
        var digits: [UInt8] = []
        for character in fingerprint where character != ":" && character != " " {
            guard digits.count < 64, character.isASCII, let value = character.hexDigitValue else { return nil }
            digits.append(UInt8(truncatingIfNeeded: value))
        }
        guard digits.count == 64 else { return nil }
        digest = stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// Whether a server shows the certificate, or one with the same key followed by it: a node has certificates with names that
    /// change, and goes on to show the one by which it is known.
    ///
    /// - Parameter chain: In DER; the handshake proves that the server has the key of the first.
    package func accepts(_ chain: [[UInt8]]) -> Bool {
        guard let leaf = chain.first else { return false }
        if isPinned(leaf) { return true }
        guard let known = chain.dropFirst().prefix(Self.chainLimit).first(where: isPinned),
            let ours = try? Certificate(derEncoded: known), let shown = try? Certificate(derEncoded: leaf)
        else { return false }
        return ours.publicKey == shown.publicKey
    }

    private static let chainLimit = 4

    private func isPinned(_ certificate: [UInt8]) -> Bool { Array(SHA256.hash(data: certificate)) == digest }
}

/// The certificates that vouch for a server in place of the system's roots, such as those of an owner's own authority.
package struct TrustedRoots: Sendable {
    /// Why a file holds no certificates.
    package struct Unreadable: Error, CustomStringConvertible {
        package var description: String { "it holds no certificate in PEM" }
    }

    let certificates: [NIOSSLCertificate]

    /// - Parameter pem: The text of a PEM file with one certificate or more (RFC 7468).
    /// - Throws: ``Unreadable``.
    package init(pem: [UInt8]) throws(Unreadable) {
        let found: [NIOSSLCertificate]
        do {
            found = try NIOSSLCertificate.fromPEMBytes(pem)
        } catch {
            throw Unreadable()
        }
        guard !found.isEmpty else { throw Unreadable() }
        certificates = found
    }
}
