// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel
import NIOCore
package import NIOSSL
import Synchronization

/// What a listener of clients shows and proves in the TLS handshake, and what it takes: TLS 1.2 and later, HTTP/2 and
/// HTTP/1.1.
package struct SurfaceTLS: Sendable {
    package let context: NIOSSLContext
    /// SHA-256 of the certificate, in hexadecimal: what clients compare.
    package let fingerprint: String
    /// From when to when the certificate is valid for clients that check it.
    package let validity: ClosedRange<WallTime>?

    /// - Parameters:
    ///   - certificate: a certificate and those that lead to its issuer, in PEM form.
    ///   - key: the first one's private key, in PEM form, not encrypted.
    package init(certificate: [UInt8], key: [UInt8]) throws(SurfaceTLSError) {
        let chain: [NIOSSLCertificate]
        do { chain = try NIOSSLCertificate.fromPEMBytes(certificate) } catch {
            throw SurfaceTLSError(.certificate, "does not hold a certificate in PEM form", cause: error)
        }
        guard let leaf = chain.first else {
            throw SurfaceTLSError(.certificate, "does not hold a certificate in PEM form")
        }
        let privateKey: NIOSSLPrivateKey
        do { privateKey = try NIOSSLPrivateKey(bytes: key, format: .pem) } catch {
            throw SurfaceTLSError(.key, "does not hold a private key in PEM form, without a passphrase", cause: error)
        }
        do {
            fingerprint = SHA256.hash(data: try leaf.toDERBytes()).hexadecimal
        } catch {
            throw SurfaceTLSError(.certificate, "holds a certificate that cannot be written again", cause: error)
        }
        let start = WallTime(milliseconds: 1_000 &* Int64(leaf.notValidBefore))
        let end = WallTime(milliseconds: 1_000 &* Int64(leaf.notValidAfter))
        validity = start <= end ? start...end : nil
        context = try Self.context(chain.map { .certificate($0) }, .privateKey(privateKey))
    }

    /// For a node's own key.
    ///
    /// - Parameters:
    ///   - fingerprint: Of a certificate in the chain whose key is the first one's.
    ///   - validity: `nil` for a certificate that has no end.
    package init(
        chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource, fingerprint: String,
        validity: ClosedRange<WallTime>? = nil
    ) throws(SurfaceTLSError) {
        self.fingerprint = fingerprint
        self.validity = validity
        context = try Self.context(chain, key)
    }

    private static func context(
        _ chain: [NIOSSLCertificateSource], _ key: NIOSSLPrivateKeySource
    ) throws(SurfaceTLSError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        configuration.minimumTLSVersion = .tlsv12
        // Those of TLS 1.3 are always there. HTTP/2 forbids the others of TLS 1.2 (RFC 9113, appendix A).
        configuration.cipherSuiteValues = [
            .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ]
        configuration.applicationProtocols = ["h2", "http/1.1"]
        // A client that never closes its side must not delay a node that stops.
        configuration.shutdownTimeout = .seconds(1)
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw SurfaceTLSError(.mismatch, "does not belong to the certificate", cause: error)
        }
    }
}

/// Why a certificate and its key cannot be used.
package struct SurfaceTLSError: Error, Sendable {
    package enum Code: Sendable {
        case certificate
        case key
        /// The key is not the certificate's.
        case mismatch
    }

    package var code: Code
    /// What follows the name of the certificate's file, or of the key's for the other codes.
    package var message: String
    package var cause: (any Error)?

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

/// The current TLS of the listeners of clients. A new one applies to the connections that come after it.
package final class SurfaceTLSSource: Sendable {
    private let state: Mutex<SurfaceTLS>

    package init(_ tls: SurfaceTLS) { state = Mutex(tls) }

    package var current: SurfaceTLS { state.withLock { $0 } }

    package func replace(with tls: SurfaceTLS) { state.withLock { $0 = tls } }
}
