// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTrust
import NIOCore
import NIOSSL
import Synchronization
import SystemPackage
import Testing

@Suite("TLS between nodes", .timeLimit(.minutes(1)))
struct PeerTLSTests {
    private let folder: TemporaryFolder
    private let laptop: NodeIdentity
    private let desk: NodeIdentity

    init() throws {
        folder = try TemporaryFolder()
        laptop = try NodeIdentity.open(folder: folder.path.appending("laptop"), expected: nil, now: .now())
        desk = try NodeIdentity.open(folder: folder.path.appending("desk"), expected: nil, now: .now())
    }

    /// What a callback reported.
    private final class Reports: Sendable {
        private let seen = Mutex<[HandshakeRefusal]>([])
        var all: [HandshakeRefusal] { seen.withLock { $0 } }
        func add(_ refusal: HandshakeRefusal) { seen.withLock { $0.append(refusal) } }
    }

    /// Lets a client with this configuration knock at the desk's port.
    private func knock(
        _ configuration: TLSConfiguration
    ) async throws -> (server: Handshake, client: Handshake, reports: [HandshakeRefusal]) {
        let tls = try PeerTLS(identity: desk)
        let reports = Reports()
        let context = try NIOSSLContext(configuration: configuration)
        let fared = try await Handshake.run(
            server: { tls.serverHandler { reports.add($0) } },
            client: { try NIOSSLClientHandler(context: context, serverHostname: nil) })
        return (fared.server, fared.client, reports.all)
    }

    /// Lets the laptop dial the desk and find somebody with this configuration.
    private func dial(_ server: TLSConfiguration) async throws -> (client: Handshake, reports: [HandshakeRefusal]) {
        let tls = try PeerTLS(identity: laptop)
        let reports = Reports()
        let context = try NIOSSLContext(configuration: server)
        let fared = try await Handshake.run(
            server: { NIOSSLServerHandler(context: context) },
            client: { try tls.clientHandler(expecting: .node(desk.id), onRefusal: { reports.add($0) }) })
        return (fared.client, reports.all)
    }

    @Test("Each side learns the other's id, and HTTP/2 is agreed on")
    func bothIDs() async throws {
        let (server, client) = (try PeerTLS(identity: desk), try PeerTLS(identity: laptop))
        let fared = try await Handshake.run(
            server: { server.serverHandler() }, client: { try client.clientHandler(expecting: .node(desk.id)) })
        #expect(fared.server == .established(laptop.id, protocol: "h2"))
        #expect(fared.client == .established(desk.id, protocol: "h2"))
    }

    @Test("Another node at the address is refused and named")
    func otherNode() async throws {
        let (server, client) = (try PeerTLS(identity: desk), try PeerTLS(identity: laptop))
        let reports = Reports()
        let fared = try await Handshake.run(
            server: { server.serverHandler() },
            client: { try client.clientHandler(expecting: .node(laptop.id), onRefusal: { reports.add($0) }) })
        #expect(fared.client == .refused("certificate not accepted"))
        #expect(fared.server == .refused("the other side refused"))
        #expect(reports.all == [HandshakeRefusal(.otherNode, seen: desk.id, expected: laptop.id)])
        #expect(reports.all.first?.description.contains(desk.id.description) == true)
    }

    // MARK: - Who knocks

    @Test("Without a certificate nobody gets in")
    func noCertificate() async throws {
        let fared = try await knock(TestCredentials.careless(nil))
        #expect(fared.server == .refused("no certificate"))
        #expect(fared.client.isRefused)
    }

    @Test("TLS 1.2 is too old")
    func oldTLS() async throws {
        var configuration = TestCredentials.careless(try .p256())
        configuration.maximumTLSVersion = .tlsv12
        let fared = try await knock(configuration)
        #expect(fared.server == .refused("an older TLS than 1.3"))
    }

    @Test("A key of another kind is refused")
    func otherKeys() async throws {
        for credentials in [try TestCredentials.rsa(), try .p384()] {
            let fared = try await knock(TestCredentials.careless(credentials))
            #expect(fared.server.isRefused)
            #expect(fared.client.isRefused)
            #expect(credentials.chain.first.flatMap(PeerTLS.nodeID(of:)) == nil)
        }
    }

    @Test("More than one certificate is refused")
    func chain() async throws {
        let fared = try await knock(TestCredentials.careless(try .signedByAnother(withChain: true)))
        #expect(fared.server == .refused("certificate not accepted"))
        #expect(fared.reports.map(\.reason) == [.severalCertificates])
    }

    @Test("A certificate that somebody else signed is refused")
    func notSelfSigned() async throws {
        let fared = try await knock(TestCredentials.careless(try .signedByAnother(withChain: false)))
        #expect(fared.server == .refused("certificate not accepted"))
        #expect(fared.reports.map(\.reason) == [.notSelfSigned])
    }

    @Test("A stranger with a good certificate gets through TLS, under its own id")
    func stranger() async throws {
        let credentials = try TestCredentials.p256()
        let fared = try await knock(TestCredentials.careless(credentials))
        let id = try #require(credentials.chain.first.flatMap(PeerTLS.nodeID(of:)))
        #expect(fared.server == .established(id, protocol: "h2"))
    }

    @Test("A client that does not offer HTTP/2 is told apart by the negotiated protocol")
    func noProtocol() async throws {
        var configuration = TestCredentials.careless(try .p256())
        configuration.applicationProtocols = ["http/1.1"]
        guard case .established(_, protocol: nil) = try await knock(configuration).server else {
            Issue.record("the protocol should not have been agreed on")
            return
        }
    }

    @Test(
        "What is not TLS is refused",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP without TLS"), ("\u{16}\u{3}\u{3}\0\u{5}aaaaa", nil),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "no TLS"), ("SSH-2.0-OpenSSH_9.2\r\n", "no TLS"),
        ])
    func notTLS(greeting: String, reason: String?) async throws {
        let tls = try PeerTLS(identity: desk)
        let fared = try await Handshake.run(
            server: { tls.serverHandler() }, client: { Greeter(greeting: greeting) })
        #expect(fared.server.isRefused)
        if let reason { #expect(fared.server == .refused(reason)) }
    }

    // MARK: - Who answers

    @Test("Whoever answers with another kind of key, a chain or an older TLS is refused")
    func badServers() async throws {
        let rsa = try await dial(try TestCredentials.rsa().server())
        #expect(rsa.client.isRefused)
        let chain = try await dial(try TestCredentials.signedByAnother(withChain: true).server())
        #expect(chain.client == .refused("certificate not accepted"))
        #expect(chain.reports.map(\.reason) == [.severalCertificates])
        var old = try TestCredentials.p256().server()
        old.maximumTLSVersion = .tlsv12
        #expect(try await dial(old).client == .refused("an older TLS than 1.3"))
    }

    // MARK: - Certificates

    @Test("Spoilt certificates name no node")
    func fuzz() throws {
        for seed in UInt64(0)..<3_000 {
            var generator = SeededGenerator(seed: seed)
            let spoilt = Mutations.spoil(desk.certificate, using: &generator)
            guard spoilt != desk.certificate, let certificate = try? NIOSSLCertificate(bytes: spoilt, format: .der)
            else { continue }
            let id = PeerTLS.nodeID(of: certificate)
            #expect(id == nil || id == desk.id, "seed \(seed)")
        }
    }
}

/// A client that speaks before it is asked, and not TLS.
private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let greeting: String

    init(greeting: String) { self.greeting = greeting }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: greeting)), promise: nil)
        context.fireChannelActive()
    }

    /// An alert, which no test reads.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}
