// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// The certificates that vouch for a server in place of the system's roots, as an owner's own authority has them.
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
