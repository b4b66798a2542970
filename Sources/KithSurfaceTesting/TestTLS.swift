// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
package import KithTesting
package import KithTrust
import NIOCore
package import NIOSSL
import SystemPackage

/// A certificate that was just made, for a node and for the clients that trust it and no other.
package struct TestTLS: Sendable {
    package let source: SurfaceTLSSource
    private let certificate: NIOSSLCertificate

    package init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kith-tls-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }  // nothing but a test's key is left behind
        let identity = try NodeIdentity.open(folder: FilePath(folder.path), expected: nil, now: .now())
        let sources = try identity.tlsSources()
        source = SurfaceTLSSource(
            try SurfaceTLS(chain: [sources.certificate], key: sources.key, fingerprint: identity.fingerprint))
        certificate = try NIOSSLCertificate(bytes: identity.certificate, format: .der)
    }

    /// - Parameter change: makes the client what the test is about.
    func client(
        _ protocols: [String], change: (inout TLSConfiguration) -> Void = { _ in }
    ) throws -> NIOSSLClientHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates([certificate])
        configuration.applicationProtocols = protocols
        change(&configuration)
        return try NIOSSLClientHandler(
            context: NIOSSLContext(configuration: configuration), serverHostname: "localhost")
    }

    /// A connection that speaks TLS first and then what the test says.
    package func connection<Result: Sendable>(
        to node: TestNode, _ protocols: [String] = ["http/1.1"],
        change: @escaping @Sendable (inout TLSConfiguration) -> Void = { _ in },
        _ body: @Sendable (RawConnection) async throws -> Result
    ) async throws -> Result {
        try await RawConnection.open(
            port: node.address.port,
            prepare: { channel in
                try channel.pipeline.syncOperations.addHandler(try client(protocols, change: change))
            }, body)
    }
}
