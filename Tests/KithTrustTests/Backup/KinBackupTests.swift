// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTrust
import SystemPackage
import Testing

@Suite("Who is kin, outside of the database")
struct KinBackupTests {
    private static func id(_ byte: UInt8) throws -> NodeID {
        try #require(NodeID(digest: [UInt8](repeating: byte, count: 32)))
    }

    private static func addresses(_ texts: [String]) throws -> [PeerAddress] {
        try texts.map { try #require(PeerAddress($0)) }
    }

    private static func sample() throws -> KinBackup {
        var mesh = try TrustMesh(nodes: 3)
        try mesh.pair(0, 1)
        try mesh.pair(1, 2)
        mesh.exchangeAll()
        return KinBackup(
            root: mesh.id(0), operations: mesh.ledgers[0].signedOperations,
            addresses: [
                mesh.id(1): try addresses(["10.0.0.7:7443", "[fd00::7]:9", "desk.example:1"]),
                mesh.id(2): try addresses(["[fe80::1%eth0]:7443"]),
            ])
    }

    @Test("It comes back as it was written")
    func roundTrip() throws {
        let backup = try Self.sample()
        #expect(backup.operations.count == 4)
        #expect(KinBackup(backup.encoded) == backup)
    }

    @Test("Nothing at all comes back as nothing")
    func empty() throws {
        let backup = KinBackup(root: try Self.id(1), operations: [], addresses: [:])
        #expect(KinBackup(backup.encoded) == backup)
    }

    @Test("The order of addresses, and a peer without any, make no difference")
    func order() throws {
        let (root, peer, other) = (try Self.id(1), try Self.id(2), try Self.id(3))
        let one = KinBackup(
            root: root, operations: [], addresses: [peer: try Self.addresses(["a:1", "b:2"]), other: []])
        let two = KinBackup(root: root, operations: [], addresses: [peer: try Self.addresses(["b:2", "a:1"])])
        #expect(one == two)
    }

    @Test("As much as may be comes back, and what is beyond it is left out")
    func bounds() throws {
        let author = try Self.id(2)
        let operations = (0...KinBackup.operationLimit).map {
            SignedOperation(author: author, sequence: UInt64($0), bytes: [1])
        }
        let addresses = try Self.addresses((1...20).map { "host:\($0)" })
        let peers = try (0...KinBackup.peerLimit).map { number in
            let digest = [UInt8(number >> 8), UInt8(number & 0xFF)] + [UInt8](repeating: 0, count: 30)
            return (try #require(NodeID(digest: digest)), addresses)
        }
        let backup = KinBackup(
            root: author, operations: operations, addresses: Dictionary(uniqueKeysWithValues: peers))
        #expect(backup.operations.count == KinBackup.operationLimit)
        #expect(backup.addresses.count == KinBackup.peerLimit)
        #expect(backup.addresses.values.allSatisfy { $0.count == KinBackup.addressLimit })
        #expect(KinBackup(backup.encoded) == backup)
    }

    enum Broken: CaseIterable, Sendable {
        case heading, tail, end, manyOperations, longOperation, manyPeers, manyAddresses
    }

    @Test("Bytes that are never written are none", arguments: Broken.allCases)
    func broken(how: Broken) throws {
        let id = [UInt8](repeating: 7, count: 32)
        let start = Array("kith kin 1\n".utf8) + id
        let bytes: [UInt8]
        switch how {
        case .heading: bytes = Array("kith kin 2\n".utf8) + id + [0, 0, 0, 0]
        case .tail: bytes = start + [0, 0, 0, 0, 0]
        case .end: bytes = start + [0, 0, 0]
        case .manyOperations: bytes = start + [0xFF, 0xFF]
        case .longOperation:
            bytes = start + [0, 1] + id + [0, 0, 0, 0, 0, 0, 0, 1, 0x10, 0x01] + [UInt8](repeating: 0, count: 4_099)
        case .manyPeers: bytes = start + [0, 0, 0xFF, 0xFF]
        case .manyAddresses: bytes = start + [0, 0, 0, 1] + id + [17]
        }
        #expect(KinBackup(bytes) == nil)
    }

    @Test("Spoilt bytes make nobody kin who was not", arguments: [UInt64.random(in: .min ... .max)])
    func fuzzing(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let backup = try Self.sample()
        var log = TrustLog(root: backup.root)
        _ = log.insert(backup.operations)
        let kin = Set(log.resolution.kin.keys)
        for _ in 0..<500 {
            guard let spoilt = KinBackup(Mutations.spoil(backup.encoded, using: &generator)) else { continue }
            var log = TrustLog(root: backup.root)
            _ = log.insert(spoilt.operations)
            #expect(kin.isSuperset(of: log.resolution.kin.keys))
        }
    }
}
