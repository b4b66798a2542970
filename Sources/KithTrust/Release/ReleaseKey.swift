// SPDX-License-Identifier: Apache-2.0

import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The public key of whoever makes releases: Ed25519 (RFC 8032), in the PEM form of RFC 8410.
package struct ReleaseKey: Sendable {
    /// What stands before the key's 32 bytes (RFC 8410, section 10.1).
    private static let head: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
    private static let lines = (begin: "-----BEGIN PUBLIC KEY-----", end: "-----END PUBLIC KEY-----")

    private let key: Curve25519.Signing.PublicKey

    /// - Returns: `nil` for anything else.
    package init?(pem: String) {
        guard let begin = pem.firstRange(of: Self.lines.begin),
            let end = pem[begin.upperBound...].firstRange(of: Self.lines.end),
            let data = Data(base64Encoded: pem[begin.upperBound..<end.lowerBound].filter { !$0.isWhitespace }),
            data.count == Self.head.count + 32, data.starts(with: Self.head),
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: data.dropFirst(Self.head.count))
        else { return nil }
        self.key = key
    }

    /// - Parameter signature: 64 bytes.
    package func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        signature.count == 64 && key.isValidSignature(signature, for: message)
    }
}
