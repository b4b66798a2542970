// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Synchronization
import Testing

@testable import KithMembership

/// Nodes that advertise themselves through a real daemon, for one that listens.
final class MulticastSubject: DiscoverySubject {
    private struct Node {
        var port: Int
        var record: [UInt8]
    }

    private let daemon: MulticastDaemon
    private let advertisers = Mutex<[Task<Void, Never>]>([])

    let discovery: any Discovery
    let capacity = 6

    /// Runs a daemon for as long as `body` does.
    static func serve(_ body: (MulticastSubject) async throws -> Void) async throws {
        MulticastDaemon.useOwnBus()
        let daemon = try MulticastDaemon()
        defer { daemon.end() }
        let subject = try MulticastSubject(daemon)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(subject)) } catch { outcome = .failure(error) }
        try await subject.advertise([])
        try outcome.get()
    }

    private init(_ daemon: MulticastDaemon) throws {
        self.daemon = daemon
        discovery = MulticastDiscovery(
            id: try TestID.make(1), name: try #require(NodeName("listener")), port: 999, version: "1",
            protocolVersion: 1)
    }

    func name(_ ports: [Int]) async throws { try await advertise(ports.map(Self.node)) }

    func name(_ ports: [Int], amidRubbishFrom generator: inout SeededGenerator) async throws {
        let whole = try Self.node(7).record
        var nodes: [Node] = []
        while nodes.count < 3 {
            let record = Mutations.spoil(whole, using: &generator)
            // The daemon itself refuses what is no list of strings; what is one must be read.
            if Self.isList(record) { nodes.append(Node(port: 5_000 + nodes.count, record: record)) }
        }
        try await advertise(nodes + ports.map(Self.node))
    }

    func breakSource() async throws { daemon.kill() }

    func mendSource() async throws { daemon.start() }

    func passTime() async {}

    private func advertise(_ nodes: [Node]) async throws {
        let before = advertisers.withLock { advertisers in
            defer { advertisers = [] }
            return advertisers
        }
        for advertiser in before { advertiser.cancel() }
        for advertiser in before { await advertiser.value }
        let discoveries = try nodes.map { node in
            MulticastDiscovery(
                .init(
                    id: try TestID.make(node.port), name: try #require(NodeName("peer")),
                    advertisedPort: UInt16(truncatingIfNeeded: node.port), record: node.record))
        }
        let started = discoveries.map { discovery in Task { await discovery.run { _ in } } }
        advertisers.withLock { $0 = started }
    }

    private static func node(_ port: Int) throws -> Node {
        Node(
            port: port, record: ServiceText(id: try TestID.make(port), version: "1", protocolVersion: 1).record)
    }

    private static func isList(_ record: [UInt8]) -> Bool {
        var rest = record[...]
        while let length = rest.popFirst() {
            guard rest.count >= Int(length) else { return false }
            rest = rest.dropFirst(Int(length))
        }
        return !record.isEmpty
    }
}
