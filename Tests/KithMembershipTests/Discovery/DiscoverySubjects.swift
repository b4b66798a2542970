// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithMembership
import KithModel
import KithTesting
import Synchronization

/// A peers file in a folder of its own.
final class PeersFileSubject: DiscoverySubject {
    private let folder: String
    private let clock = ManualClock()

    var path: String { folder + "/peers.txt" }
    let discovery: any Discovery
    let capacity = Int.max

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/kith-peers-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        discovery = PeersFileDiscovery(path: folder + "/peers.txt", clock: clock)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func name(_ ports: [Int]) async throws { try write(lines(ports)) }

    func name(_ ports: [Int], amidRubbishFrom generator: inout SeededGenerator) async throws {
        let rubbish = Mutations.spoil(Array("http://a:1 key=k\nkith://b id=c\n".utf8), using: &generator)
        try write(Data(rubbish + [0x0A]) + lines(ports))
    }

    func breakSource() async throws {
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    func mendSource() async throws { try FileManager.default.removeItem(atPath: path) }

    func passTime() async { clock.advance(by: .milliseconds(500)) }

    /// Replaced as a whole, as editors do.
    private func write(_ contents: Data) throws { try contents.write(to: URL(filePath: path), options: .atomic) }

    private func lines(_ ports: [Int]) -> Data {
        // Each twice where many are named, to see that none is suggested twice; that is a problem of the file.
        Data((ports.count > 100 ? ports + ports : ports).map { "192.0.2.1:\($0)\n" }.joined().utf8)
    }
}

/// Records that are sent down a stream.
final class RememberedSubject: DiscoverySubject {
    private let current = Mutex<(records: [PeerRecord], feed: AsyncStream<[PeerRecord]>.Continuation?)>(([], nil))

    let capacity = Int.max

    var discovery: any Discovery {
        RememberedAddresses { [self] in
            let (stream, feed) = AsyncStream.makeStream(of: [PeerRecord].self)
            feed.yield(
                current.withLock { current in
                    current.feed = feed
                    return current.records
                })
            return stream
        }
    }

    func name(_ ports: [Int]) async throws { give(records(ports)) }

    func name(_ ports: [Int], amidRubbishFrom generator: inout SeededGenerator) async throws {
        // Records have types: the worst they can be is many, alike and out of order.
        give((0..<40).flatMap { _ in records(ports) }.shuffled(using: &generator))
    }

    func breakSource() async throws {}

    func mendSource() async throws {}

    func passTime() async {}

    private func give(_ records: [PeerRecord]) {
        current.withLock { current in
            current.records = records
            current.feed?.yield(records)
        }
    }

    private func records(_ ports: [Int]) -> [PeerRecord] {
        ports.compactMap { port in
            guard let id = NodeID(digest: TestID.digest(port)) else { return nil }
            let addresses = ["192.0.2.1", "fd00::1"].compactMap { PeerAddress(host: $0, port: port) }
            return PeerRecord(id: id, tier: .kin, addresses: addresses + addresses)
        }
    }
}

/// A list that is fixed when the run begins.
final class EnvironmentSubject: DiscoverySubject {
    private let list = Mutex("")

    let capacity = Int.max

    var discovery: any Discovery { EnvironmentDiscovery(PeersFile(list: list.withLock { $0 })) }

    func name(_ ports: [Int]) async throws { list.withLock { $0 = entries(ports) } }

    func name(_ ports: [Int], amidRubbishFrom generator: inout SeededGenerator) async throws {
        let rubbish = Mutations.spoil(Array("http://a:1,kith://b id=c".utf8), using: &generator)
        list.withLock { $0 = String(decoding: rubbish, as: UTF8.self) + "," + entries(ports) }
    }

    func breakSource() async throws {}

    func mendSource() async throws {}

    func passTime() async {}

    private func entries(_ ports: [Int]) -> String { ports.map { "192.0.2.1:\($0)" }.joined(separator: ",") }
}
