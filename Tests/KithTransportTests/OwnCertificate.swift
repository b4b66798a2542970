// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A certificate that signed itself, and a server that shows it.
struct OwnCertificate: Sendable {
    private let certificate: NIOSSLCertificate
    private let key: NIOSSLPrivateKey
    private let signer: P256.Signing.PrivateKey
    let fingerprint: String
    let pem: [UInt8]
    let der: [UInt8]

    init() throws { try self.init(P256.Signing.PrivateKey()) }

    /// Another certificate of the same key, in DER.
    func renewed() throws -> [UInt8] { try OwnCertificate(signer).der }

    private init(_ key: P256.Signing.PrivateKey) throws {
        signer = key
        let name = try DistinguishedName { CommonName("test") }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: .now.addingTimeInterval(-60), notValidAfter: .now.addingTimeInterval(3_600), issuer: name,
            subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                SubjectAlternativeNames([.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))])
            }, issuerPrivateKey: .init(key))
        pem = Array(try certificate.serializeAsPEM().pemString.utf8)
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        let bytes = serializer.serializedBytes
        der = bytes
        fingerprint = SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        self.certificate = try NIOSSLCertificate(bytes: bytes, format: .der)
        self.key = try NIOSSLPrivateKey(bytes: Array(key.derRepresentation), format: .der)
    }

    /// - Parameter protocols: What the server offers in the handshake (RFC 7301).
    func serverContext(protocols: [String] = []) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
        configuration.applicationProtocols = protocols
        return try NIOSSLContext(configuration: configuration)
    }

    func serve(during body: @Sendable (HTTPAddress) async throws -> Void) async throws {
        let context = try serverContext()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(EmptyAnswers())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = server.localAddress?.port ?? 0
        do {
            try await body(HTTPAddress(scheme: .https, host: "127.0.0.1", port: port))
        } catch {
            try await server.close()
            throw error
        }
        try await server.close()
    }
}

private final class EmptyAnswers: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        context.write(
            wrapOutboundOut(.head(.init(version: .http1_1, status: .ok, headers: ["Content-Length": "0"]))),
            promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
