// SPDX-License-Identifier: Apache-2.0

package import KithModel
import NIOSSL

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
    /// Whom the certificate names. A claim: the proof that its key is there comes later in the handshake.
    package var seen: NodeID?
    /// Who should have been there.
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
