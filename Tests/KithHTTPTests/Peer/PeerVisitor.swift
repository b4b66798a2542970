// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Foundation
import HTTPTypes
import KithDialects
import KithHTTP
import KithModel
import KithTesting
import KithTrust
import NIOCore
import NIOSSL
import SwiftASN1
import Testing
import X509

/// Whoever comes to a node's peer port: accepts every server, and shows the certificate that a test gives it.
struct PeerVisitor: Sendable {
    var configuration: TLSConfiguration

    init(certificate: NIOSSLCertificateSource? = nil, key: NIOSSLPrivateKeySource? = nil) {
        configuration = .makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = [PeerTLS.applicationProtocol]
        configuration.certificateChain = certificate.map { [$0] } ?? []
        configuration.privateKey = key
    }

    init(_ identity: NodeIdentity) throws {
        let sources = try identity.tlsSources()
        self.init(certificate: sources.certificate, key: sources.key)
    }

    static func rsa() throws -> PeerVisitor {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        return try PeerVisitor(Certificate.PrivateKey(key), der: key.derRepresentation)
    }

    static func p384() throws -> PeerVisitor {
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
    func visit<Result: Sendable>(
        _ node: TestNode, _ body: @Sendable (HTTP2Connection) async throws -> Result
    ) async throws -> Result {
        try await HTTP2Connection.open(port: node.peerAddress.port, secure: { try handler() }, body)
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, to node: TestNode
    ) async throws -> (status: Int, text: String) {
        try await visit(node) { try await $0.send(method, path, body) }
    }

    /// Sends bytes over TLS, and reads until the node closes.
    func shout(_ bytes: [UInt8], at node: TestNode) async throws -> String {
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

/// What may be asked on the peer port.
enum PeerPath {
    static let kinOnly: [(method: HTTPRequest.Method, path: String)] = [
        (.post, PeerWire.gossipPath), (.post, PeerWire.operationsPath), (.get, PeerWire.modelsPath),
        (.post, PeerWire.statePath), (.post, PeerWire.generatePath), (.post, PeerWire.embedPath),
        (.post, PeerWire.sessionsPath), (.get, PeerWire.cellHealthPath), (.post, PeerWire.cellAssistPath),
        (.post, PeerWire.cellSyncPath),
    ]
    static let all = kinOnly + [(.post, PeerWire.helloPath)]
}

extension TestNode {
    /// Asks as a kin does whether the node still answers.
    func expectAnswer(for kin: PeerVisitor) async throws {
        let request = try KinQuestion.encode(ChatRequest(messages: [ChatMessage(.user, "alive")]))
        let reply = try await kin.send(
            .post, PeerWire.generatePath, String(decoding: request, as: UTF8.self), to: self)
        #expect(reply.status == 200)
        #expect(reply.text.contains("alive"))
    }

    /// What was refused, one line for each time.
    var refusals: [AuditRecord] {
        audit.lines.filter { [.handshakeRefused, .peerRefused, .pairingRefused, .identityCloned].contains($0.kind) }
    }
}
