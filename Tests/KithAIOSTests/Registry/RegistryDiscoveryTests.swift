// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithMembership
import KithModel
import KithTesting
import KithTransport
import Synchronization
import Testing

/// A discovery service of the seeds that keeps only the fields it knows, and breaks when it is told to.
final class RegistrySubject: DiscoverySubject {
    private struct State {
        var peers = "[]"
        var isBroken = false
    }

    private let clock = ManualClock()

    let discovery: any Discovery
    let capacity = 1_000

    /// Runs a service for as long as `body` does.
    static func serve(_ body: (RegistrySubject) async throws -> Void) async throws {
        let state = StateBox()
        try await StubServer.serve { request, answer in
            let (peers, isBroken) = state.current.withLock { ($0.peers, $0.isBroken) }
            guard !isBroken else { return answer.cut() }
            switch request.uri {
            case "/peers": try await answer.send(#"{"peers": \#(peers), "count": 1, "my_host": "h"}"#)
            case "/heartbeat": try await answer.send(#"{"detail": "Peer me not registered."}"#, status: 404)
            default: try await answer.send(#"{"status": "registered", "cell_id": "me"}"#)
            }
        } during: { server in
            try await body(RegistrySubject(server, state))
        }
    }

    private final class StateBox: Sendable {
        let current = Mutex(State())
    }

    private let box: StateBox

    private init(_ server: StubServer, _ box: StateBox) {
        self.box = box
        discovery = RegistryDiscovery(
            endpoint: PeerEndpoint(address: server.address, tier: .kith), upstream: UpstreamClient(), clock: clock
        ) { CellInfo(cellID: "me", ip: "127.0.0.1", port: 8080) }
    }

    func name(_ ports: [Int]) async throws { box.current.withLock { $0.peers = "[\(Self.cells(ports))]" } }

    func name(_ ports: [Int], amidRubbishFrom generator: inout SeededGenerator) async throws {
        let rubbish = (0..<20).map { _ in
            let cells = [
                #"{"cell_id":7}"#, "null", "[[]]", #""x""#,
                #"{"cell_id":"a","ip":"e e","port":1,"services":["kith:1"]}"#,
                #"{"cell_id":"a","ip":"h","port":1e99,"kith":{"peer_port":-1}}"#,
                #"{"cell_id":"a","ip":"h","port":1,"kith":{"peer_port":"7443","id":7}}"#,
                #"{"cell_id":"a","ip":"h","port":1,"services":["kith:99999999999999999999"]}"#,
            ]
            return cells[Int.random(in: 0..<cells.count, using: &generator)]
        }
        box.current.withLock { $0.peers = "[\((rubbish + [Self.cells(ports)]).joined(separator: ","))]" }
    }

    func breakSource() async throws { box.current.withLock { $0.isBroken = true } }

    func mendSource() async throws { box.current.withLock { $0.isBroken = false } }

    func passTime() async { clock.advance(by: .milliseconds(100)) }

    private static func cells(_ ports: [Int]) -> String {
        (ports + ports).map {
            #"{"cell_id":"c\#($0)","ip":"192.168.1.2","port":8000,"consciousness_level":1.0,"services":["kith:\#($0)"]}"#
        }.joined(separator: ",")
    }
}

@Suite("Registry discovery")
struct RegistryDiscoveryTests {
    @Test("A discovery service reports at the start")
    func start() async throws {
        try await RegistrySubject.serve { try await DiscoveryConformance($0).reportsAtStart() }
    }

    @Test("What comes to a discovery service and leaves it is reported")
    func changes() async throws {
        try await RegistrySubject.serve { try await DiscoveryConformance($0).reportsChanges() }
    }

    @Test("A discovery service is not asked after the end")
    func end() async throws {
        try await RegistrySubject.serve { try await DiscoveryConformance($0).endsWhenCancelled() }
    }

    @Test("A discovery service that cannot be reached is a problem, and what it said stays")
    func breaks() async throws {
        try await RegistrySubject.serve { try await DiscoveryConformance($0).survivesBreaking() }
    }

    @Test("Of a discovery service's cells no more are suggested than is allowed")
    func bound() async throws {
        try await RegistrySubject.serve { try await DiscoveryConformance($0).isBounded() }
    }

    @Test("A discovery service is used amid rubbish", arguments: 1...4 as ClosedRange<UInt64>)
    func rubbish(seed: UInt64) async throws {
        print("seed \(seed)")
        try await RegistrySubject.serve { try await DiscoveryConformance($0).survivesRubbish(seed: seed) }
    }

    private static func id(_ byte: UInt8) throws -> NodeID {
        try #require(NodeID(digest: Array(repeating: byte, count: 32)))
    }

    private static func discovery(
        _ name: String, at registry: TestRegistry, clock: ManualClock, level: Double = 1
    ) throws -> RegistryDiscovery {
        let id = try id(UInt8(name.utf8.count))
        return RegistryDiscovery(
            endpoint: PeerEndpoint(address: registry.address, tier: .kith), upstream: registry.upstream, clock: clock
        ) {
            CellInfo(
                cellID: name, ip: "127.0.0.1", port: 8080, level: level,
                kith: KithCell(id: id, peerPort: 7400 + name.utf8.count, version: "1", protocolVersion: 2))
        }
    }

    @Test("Two nodes find each other through kith's own discovery service, and leave it when they stop")
    func eachOther() async throws {
        try await TestRegistry.run { registry in
            let clock = ManualClock()
            let (reports, told) = AsyncStream.makeStream(of: DiscoveryReport.self)
            let long = try Self.discovery("longer", at: registry, clock: clock)
            let short = try Self.discovery("desk", at: registry, clock: clock)
            let first = Task { await long.run { _ in } }
            while registry.service.cells().isEmpty { await Task.yield() }
            let second = Task { await short.run { told.yield($0) } }
            for await report in reports where !report.suggestions.isEmpty {
                #expect(report.suggestions.map(\.address.description) == ["127.0.0.1:7406"])
                #expect(report.suggestions.map(\.id) == [try Self.id(6)])
                #expect(report.suggestions.map(\.protocolVersion) == [2])
                break
            }
            #expect(registry.service.cells().map(\.services) == [["kith:7404"], ["kith:7406"]])
            first.cancel()
            await first.value
            #expect(registry.service.cells().map(\.cellID) == ["desk"])
            second.cancel()
            await second.value
            #expect(registry.service.cells().isEmpty)
        }
    }

    @Test("A node whose entry was lost registers again with its next heartbeat")
    func again() async throws {
        try await TestRegistry.run { registry in
            let clock = ManualClock()
            let node = try Self.discovery("desk", at: registry, clock: clock)
            let run = Task { await node.run { _ in } }
            while registry.service.cells().isEmpty || clock.sleeperCount == 0 { await Task.yield() }
            registry.clock.advance(by: Registry.expiry)
            #expect(registry.service.cells().isEmpty)
            clock.advance(by: .seconds(5))
            while registry.service.cells().isEmpty { await Task.yield() }
            run.cancel()
            await run.value
        }
    }

    @Test("A heartbeat goes out every five seconds")
    func heartbeats() async throws {
        try await TestRegistry.run { registry in
            let clock = ManualClock()
            let node = try Self.discovery("desk", at: registry, clock: clock)
            let run = Task { await node.run { _ in } }
            while registry.service.cells().isEmpty { await Task.yield() }
            for _ in 0..<5 {
                while clock.sleeperCount == 0 { await Task.yield() }
                registry.clock.advance(by: .seconds(10))
                clock.advance(by: .seconds(5))
                while clock.sleeperCount == 0 { await Task.yield() }
                #expect(registry.service.cells().map(\.cellID) == ["desk"])
            }
            run.cancel()
            await run.value
        }
    }

    @Test("A discovery service that hangs delays no other, and not the end")
    func hanging() async throws {
        try await StubServer.serve { _, answer in
            try await answer.hang()
        } during: { stub in
            let slow = stub.address
            try await TestRegistry.run { registry in
                let clock = ManualClock()
                let other = try Self.discovery("longer", at: registry, clock: clock)
                let stuck = RegistryDiscovery(
                    endpoint: PeerEndpoint(address: slow, tier: .kith), upstream: registry.upstream, clock: clock
                ) { CellInfo(cellID: "me", ip: "127.0.0.1", port: 8080) }
                let service = DiscoveryService([stuck, other], ownID: nil, clock: clock)
                let run = Task { await service.run() }
                let real = ContinuousClock()
                let start = real.now
                while registry.service.cells().isEmpty { await Task.yield() }
                #expect(real.now - start < .seconds(2))
                run.cancel()
                await run.value
                #expect(real.now - start < .seconds(4))
            }
        }
    }
}
