// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTrust
import NIOSSL
import SystemPackage
import Testing

@Suite("A node's own authority for what it shows to clients", .timeLimit(.minutes(1)))
struct ClientAuthorityTests {
    private let folder: TemporaryFolder
    private let now = WallTime.now()

    init() throws { folder = try TemporaryFolder() }

    private static let home: [UInt8] = [192, 0, 2, 7]

    private func authority(at time: WallTime? = nil) throws -> ClientAuthority {
        try ClientAuthority.open(
            folder: folder.path.appending("tls"), name: try #require(NodeName("desk")), now: time ?? now)
    }

    private func identity() throws -> NodeIdentity {
        try NodeIdentity.open(folder: folder.path.appending("identity"), expected: nil, now: now)
    }

    private var trusted: String { get throws { try folder.text("tls/authority.pem") } }

    /// How a client fares that trusts the authority and insists on a name.
    private func handshake(_ tls: SurfaceTLS, trusting roots: String, asking name: String) async throws -> Handshake {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(roots.utf8)))
        let context = try NIOSSLContext(configuration: configuration)
        return try await Handshake.run(
            server: { NIOSSLServerHandler(context: tls.context) },
            client: { try NIOSSLClientHandler(context: context, serverHostname: name) }
        ).client
    }

    @Test("A program that trusts it and insists on a name reaches the node by each name that it has, and by no other")
    func names() async throws {
        let names = ClientNames(names: ["desk.local", "DESK", "not a name", ""], addresses: [Self.home, [1, 2, 3]])
        #expect(names.names == ["desk", "desk.local"] && names.addresses == [Self.home])
        let tls = try authority().issue(to: identity(), names: names, now: now)
        for name in ["desk", "desk.local"] {
            #expect(try await !handshake(tls, trusting: trusted, asking: name).isRefused, "\(name)")
        }
        #expect(try await handshake(tls, trusting: trusted, asking: "other.local").isRefused)
    }

    @Test("It stays the same over restarts, and what it issued before is still trusted")
    func stays() async throws {
        let tls = try authority().issue(to: identity(), names: ClientNames(names: ["a"], addresses: []), now: now)
        let first = try trusted
        _ = try authority()
        #expect(try trusted == first)
        #expect(try await !handshake(tls, trusting: trusted, asking: "a").isRefused)
        #expect(try folder.mode(of: "tls/authority-key.pem") == 0o600)
    }

    enum Spoilt: CaseIterable { case noKey, noCertificate, otherKey, noise, old }

    @Test("Where it cannot be used any more, another takes its place", arguments: Spoilt.allCases)
    func spoilt(how: Spoilt) throws {
        _ = try authority()
        let first = try trusted
        var time = now
        switch how {
        case .noKey: try folder.remove("tls/authority-key.pem")
        case .noCertificate: try folder.remove("tls/authority.pem")
        case .otherKey:
            let key = try folder.text("tls/authority-key.pem")
            try folder.remove("tls/authority.pem")
            _ = try authority()
            try folder.write(key, to: "tls/authority-key.pem")
        case .noise: try folder.write("noise", to: "tls/authority.pem")
        case .old: time = now.advanced(by: .seconds(9 * 365 * 86_400))
        }
        _ = try authority(at: time)
        #expect(try trusted != first)
    }

    @Test("A key that others can read is refused, and nothing is changed")
    func exposed() throws {
        _ = try authority()
        let first = try trusted
        try folder.setMode(0o644, of: "tls/authority-key.pem")
        #expect(throws: ClientAuthority.ExposedKey.self) { try authority() }
        #expect(try trusted == first)
    }

    @Test("A clock that goes wrong and right again leaves it as it is")
    func clocks() throws {
        _ = try authority(at: now.advanced(by: .seconds(86_400 * 400)))
        let first = try trusted
        _ = try authority()
        #expect(try trusted == first)
    }

    @Test("It shows the certificate by which commands of kith know the node, with the same key")
    func known() async throws {
        let identity = try identity()
        let tls = try authority().issue(to: identity, names: ClientNames(names: ["a"], addresses: []), now: now)
        #expect(tls.fingerprint == identity.fingerprint)
        #expect(tls.validity?.contains(now) == true)
        let days = try #require(tls.validity.map { ($0.upperBound.milliseconds - now.milliseconds) / 86_400_000 })
        #expect((390...397).contains(days))
    }
}
