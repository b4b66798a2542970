// SPDX-License-Identifier: Apache-2.0

package import KithModel
import NIOCore
package import NIOSSL

/// TLS between nodes: version 1.3 only, HTTP/2 only, and both sides show the certificate of their key.
///
/// There is no authority and no chain: a dialling node accepts exactly the id it dials; a listening node accepts any single
/// certificate and decides by the id in it what its holder may do. TLS itself proves that the holder has the key.
///
/// In TLS 1.3 a client has finished before the server has seen the client's certificate, so a client learns of a refusal
/// only when it reads. A server offers HTTP/2 by ALPN, but TLS goes on with a client that offers nothing or something
/// else: the code that sets up the channel must compare the negotiated protocol with ``applicationProtocol``.
package struct PeerTLS: Sendable {
    package static let applicationProtocol = "h2"

    /// Called on the connection's event loop, before the handshake fails.
    package typealias RefusalReport = @Sendable (HandshakeRefusal) -> Void

    private let server: NIOSSLContext
    private let client: NIOSSLContext

    package init(identity: NodeIdentity) throws {
        let sources = try identity.tlsSources()
        // No roots: the callbacks replace verification, and the system's would only take time to load.
        server = try NIOSSLContext(
            configuration: Self.hardened(
                .makeServerConfigurationWithMTLS(
                    certificateChain: [sources.certificate], privateKey: sources.key, trustRoots: .certificates([]))))
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateChain = [sources.certificate]
        configuration.privateKey = sources.key
        configuration.trustRoots = .certificates([])
        client = try NIOSSLContext(configuration: Self.hardened(configuration))
    }

    private static func hardened(_ configuration: TLSConfiguration) -> TLSConfiguration {
        var configuration = configuration
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = [applicationProtocol]
        // Asks for a certificate and hands it to the callbacks; there are no names to verify.
        configuration.certificateVerification = .noHostnameVerification
        configuration.verifySignatureAlgorithms = [.ecdsaSecp256R1Sha256]
        configuration.signingSignatureAlgorithms = [.ecdsaSecp256R1Sha256]
        // A node that is forgotten, or asleep, must not delay the end of its connection by saying nothing.
        configuration.shutdownTimeout = .milliseconds(250)
        return configuration
    }

    /// For a connection that was accepted. Read ``nodeID(of:)`` of its certificate once the handshake is done.
    package func serverHandler(onRefusal: @escaping RefusalReport = { _ in }) -> NIOSSLServerHandler {
        NIOSSLServerHandler(context: server) { chain, verdict in
            switch PeerCertificate.node(in: chain) {
            case .success: verdict.succeed(.certificateVerified)
            case .failure(let refusal):
                onRefusal(refusal)
                verdict.succeed(.failed)
            }
        }
    }

    /// For a connection that was dialled to reach `expected` and nobody else.
    ///
    /// - Parameter onSeen: Called with the node that is admitted, before it has proven that it has the key.
    package func clientHandler(
        expecting expected: ExpectedNode, onSeen: @escaping @Sendable (NodeID) -> Void = { _ in },
        onRefusal: @escaping RefusalReport = { _ in }
    ) throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: client, serverHostname: nil) { chain, verdict in
            let refusal: HandshakeRefusal
            switch PeerCertificate.node(in: chain) {
            case .success(let seen) where expected.admits(seen):
                onSeen(seen)
                return verdict.succeed(.certificateVerified)
            case .success(let seen): refusal = HandshakeRefusal(.otherNode, seen: seen, expected: expected.id)
            case .failure(let failure): refusal = failure
            }
            onRefusal(refusal)
            verdict.succeed(.failed)
        }
    }

    /// The node whose certificate this is; `nil` when it is not a node's certificate.
    package static func nodeID(of certificate: NIOSSLCertificate) -> NodeID? {
        guard case .success(let id) = PeerCertificate.node(of: certificate) else { return nil }
        return id
    }
}

/// Why the certificate that the other side showed was not accepted.
package struct HandshakeRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: String, Sendable, CaseIterable {
        case noCertificate = "no certificate"
        case severalCertificates = "more than one certificate"
        case unreadableCertificate = "an unreadable certificate"
        case otherKeyType = "a certificate without a P-256 key"
        case notSelfSigned = "a certificate that its own key did not sign"
        case otherNode = "another node"
    }

    package var reason: Reason
    /// The node that the certificate names. A claim: the proof that its key is there comes later in the handshake.
    package var seen: NodeID?
    /// The node that was expected.
    package var expected: NodeID?

    package init(_ reason: Reason, seen: NodeID? = nil, expected: NodeID? = nil) {
        self.reason = reason
        self.seen = seen
        self.expected = expected
    }

    package var description: String {
        guard let seen, let expected else { return "\(reason.rawValue) in the handshake" }
        return "another node answers: \(seen) instead of \(expected)"
    }

    /// What went wrong in a handshake that failed with `error`, in a few words without anything that the other side
    /// chose; `nil` when it did not fail because of TLS.
    package static func reason(of error: any Error) -> String? {
        guard let error = error as? NIOSSLError, case .handshakeFailed(let failure) = error else { return nil }
        let text = String(describing: failure)
        return knownFailures.first { text.contains($0.mark) }?.reason ?? "the TLS handshake failed"
    }

    /// The marks are names of BoringSSL's error reasons.
    private static let knownFailures: [(mark: String, reason: String)] = [
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "no certificate"),
        ("CERTIFICATE_VERIFY_FAILED", "certificate not accepted"),
        ("UNSUPPORTED_PROTOCOL", "an older TLS than 1.3"),
        ("PROTOCOL_VERSION", "an older TLS than 1.3"),
        ("HTTP_REQUEST", "HTTP without TLS"),
        ("HTTPS_PROXY_REQUEST", "HTTP without TLS"),
        ("WRONG_VERSION_NUMBER", "no TLS"),
        ("NO_COMMON_SIGNATURE_ALGORITHMS", "a certificate without a P-256 key"),
        ("WRONG_SIGNATURE_TYPE", "a certificate without a P-256 key"),
        ("ALERT", "the other side refused"),
    ]
}
