// SPDX-License-Identifier: Apache-2.0

import Crypto

/// The one certificate that a server may show, by the SHA-256 digest of its DER form: for a node that made its own.
///
/// Takes the place of the chain to a root and of the name: who holds the certificate's key is the one that is meant.
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

    /// - Parameter certificate: In DER.
    package func accepts(_ certificate: [UInt8]) -> Bool { Array(SHA256.hash(data: certificate)) == digest }
}
