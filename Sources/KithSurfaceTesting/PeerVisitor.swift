// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Foundation
package import HTTPTypes
package import KithModel
import KithPeers
import KithTesting
package import KithTrust
import NIOCore
package import NIOSSL
import SwiftASN1
import X509

/// A client of a node's peer port: accepts every server, and shows the certificate that a test gives it.
package struct PeerVisitor: Sendable {
    package var configuration: TLSConfiguration

    package init(certificate: NIOSSLCertificateSource? = nil, key: NIOSSLPrivateKeySource? = nil) {
        configuration = .makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = [PeerTLS.applicationProtocol]
        configuration.certificateChain = certificate.map { [$0] } ?? []
        configuration.privateKey = key
    }

    package init(_ identity: NodeIdentity) throws {
        let sources = try identity.tlsSources()
        self.init(certificate: sources.certificate, key: sources.key)
    }

    package static func rsa() throws -> PeerVisitor {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        return try PeerVisitor(Certificate.PrivateKey(key), der: key.derRepresentation)
    }

    package static func p384() throws -> PeerVisitor {
        let key = P384.Signing.PrivateKey()
        return try PeerVisitor(Certificate.PrivateKey(key), der: key.derRepresentation)
    }

    private init(_ key: Certificate.PrivateKey, der: Data) throws {
        let name = try DistinguishedName { CommonName("kith") }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSince1970: 1_700_000_000),
            notValidAfter: Date(timeIntervalSince1970: 4_000_000_000), issuer: name, subject: name,
            extensions: Certificate.Extensions(), issuerPrivateKey: key)
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        self.init(
            certificate: .certificate(try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)),
            key: .privateKey(try NIOSSLPrivateKey(bytes: Array(der), format: .der)))
    }

    /// Speaks HTTP/2 to the node's peer port.
    package func visit<Result: Sendable>(
        _ node: TestNode, _ body: @Sendable (HTTP2Connection) async throws -> Result
    ) async throws -> Result {
        try await HTTP2Connection.open(port: node.peerAddress.port, secure: { try handler() }, body)
    }

    package func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, to node: TestNode
    ) async throws -> (status: Int, text: String) {
        try await visit(node) { try await $0.send(method, path, body) }
    }

    /// Sends bytes over TLS, and reads until the node closes.
    package func shout(_ bytes: [UInt8], at node: TestNode) async throws -> String {
        try await RawConnection.open(port: node.peerAddress.port) { channel in
            try channel.pipeline.syncOperations.addHandler(try handler())
        } _: { connection in
            do { try await connection.send(bytes) } catch {}  // refused already
            return await connection.readToEnd()
        }
    }

    private func handler() throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: nil)
    }
}

/// The routes of the peer port.
package enum PeerPath {
    package static let kinOnly: [(method: HTTPRequest.Method, path: String)] = [
        (.post, PeerWire.gossipPath), (.post, PeerWire.operationsPath), (.get, PeerWire.modelsPath),
        (.post, PeerWire.statePath), (.post, PeerWire.generatePath), (.post, PeerWire.embedPath),
        (.post, PeerWire.countPath), (.get, PeerWire.hardwarePath), (.post, PeerWire.wakePath),
        (.post, PeerWire.sessionsPath), (.get, PeerWire.cellHealthPath), (.post, PeerWire.cellAssistPath),
        (.post, PeerWire.cellSyncPath),
    ]
    package static let all = kinOnly + [(.post, PeerWire.helloPath)]
}

extension TestNode {
    /// The refusals in the audit trail, one line for each.
    package var refusals: [AuditRecord] {
        audit.lines.filter { [.handshakeRefused, .peerRefused, .pairingRefused, .identityCloned].contains($0.kind) }
    }
}

extension TestNode {
    /// A kin that no node has met before.
    package func newKin() async throws -> PeerVisitor {
        let identity = try NodeIdentity.temporary()
        try await mesh.trust.admit(identity.id, as: .kin, name: nil, addresses: [], at: .now())
        return try PeerVisitor(identity)
    }
}
