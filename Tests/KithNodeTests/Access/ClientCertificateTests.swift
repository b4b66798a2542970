// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import KithTrust
import Logging
import Synchronization
import SystemPackage
import Testing

@testable import KithNode

@Suite("The certificate that a node makes itself for its clients", .timeLimit(.minutes(1)))
struct ClientCertificateTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static func interface(_ text: String) -> InterfaceAddress? {
        IPAddress(text).map { InterfaceAddress(interface: "eth0", address: $0, isRunning: true) }
    }

    private func certificate(
        survey: @escaping @Sendable () -> [InterfaceAddress]
    ) throws -> (ClientCertificate, NodeIdentity) {
        let identity = try NodeIdentity.open(
            folder: FilePath(folder.path).appending("identity"), expected: nil, now: .now())
        let settings = NodeSettings(
            name: try #require(NodeName("work")), dataDirectory: folder.path,
            engine: EngineSettings(embedded: EmbeddedSettings(directory: "/e", logFile: "/l")),
            access: AccessSettings(allowedHosts: ["kith.example", "192.0.2.9"]), peersFile: "/p")
        let certificate = try ClientCertificate(
            settings: settings, identity: identity, hostName: "desk.lan", now: .now(), logger: Logger(label: "test"),
            survey: survey)
        return (certificate, identity)
    }

    @Test("It is for the machine's names, the node's, those that the owner allows, and all usable addresses")
    func names() throws {
        let (certificate, _) = try certificate {
            ["192.0.2.7", "2001:db8::7", "fe80::7%eth0"].compactMap(Self.interface)
        }
        let names = certificate.names
        #expect(
            Set(names.names) == ["localhost", "kith", "desk.lan", "desk", "desk.local", "work", "kith.example"])
        let addresses = Set(names.addresses.compactMap { IPAddress(bytes: $0).map { "\($0)" } })
        #expect(addresses == ["127.0.0.1", "::1", "192.0.2.7", "192.0.2.9", "2001:db8::7"])
    }

    @Test(
        "A machine that gets another address shows another certificate within about a minute, with the same fingerprint"
    )
    func renewed() async throws {
        let addresses = Mutex(["192.0.2.7"])
        let (certificate, identity) = try certificate {
            addresses.withLock { $0.compactMap(Self.interface) }
        }
        let first = certificate.names
        let source = SurfaceTLSSource(try certificate.issue(for: first, now: .now()))
        let clock = ManualClock()
        let before = source.current.context
        let watching = Task { await certificate.watch(source, from: first, clock: clock) }
        await pass(on: clock)
        await sleeper(on: clock)
        #expect(source.current.context === before)
        addresses.withLock { $0.append("192.0.2.8") }
        await pass(on: clock)
        await sleeper(on: clock)
        #expect(source.current.context !== before)
        #expect(source.current.fingerprint == identity.fingerprint)
        watching.cancel()
        await watching.value
    }

    private func sleeper(on clock: ManualClock) async {
        while clock.sleeperCount == 0 { await Task.yield() }
    }

    private func pass(on clock: ManualClock) async {
        await sleeper(on: clock)
        clock.advance(by: ClientCertificate.pause * 2)
    }
}
