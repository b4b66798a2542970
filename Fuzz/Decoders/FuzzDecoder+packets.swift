// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithMembership
import KithModel
import KithSync
import KithTrust

/// Pairing messages and codes of a made-up node.
enum PairingSample {
    static let code = "FAO657MK-ZYDFVNWV-LSSASHDA-DXP6IKA6-AR7QAAAB-IQRWPHI"
    static let words = "abandon ability zebra zoo zero zone"
}

extension FuzzDecoder {
    /// What nodes say to each other.
    static let packets: [FuzzDecoder] = [
        FuzzDecoder("gossip", bytes: [samplePacket.encoded()]) { bytes in
            guard let packet = try? GossipPacket(decoding: bytes) else { return }
            let again = try? GossipPacket(decoding: packet.encoded())
            precondition(again?.header == packet.header, "a packet is not what it was read as")
        },
        FuzzDecoder("sync", bytes: [[1, 0, 0, 0], Array(repeating: 0, count: 64)]) { bytes in
            guard let message = try? SyncMessage(decoding: bytes) else { return }
            precondition(
                (try? SyncMessage(decoding: message.encoded())) == message, "a message is not what it was read as")
        },
        FuzzDecoder("operation", bytes: [Array(repeating: 1, count: 64)]) { bytes in
            guard let author = NodeID(digest: Array(repeating: 7, count: 32)) else { return }
            _ = TrustOperation.read(SignedOperation(author: author, sequence: 1, bytes: bytes))
        },
        FuzzDecoder("kin-backup", bytes: [sampleBackup]) { bytes in
            guard let backup = KinBackup(bytes) else { return }
            precondition(KinBackup(backup.encoded) == backup, "a backup is not what it was read as")
        },
        .reading(
            "pairing-introduction", seeds: [#"{"name":"desk","addresses":["10.0.0.2:7443","[::1]:7443"]}"#]
        ) { try JSONBody.decode(PairingIntroduction.self, from: $0) },
        .reading("network-card", seeds: [#"{"hardware":"02:6b:69:74:68:0b","networks":["10.0.0.0/24","fd00::/64"]}"#]) {
            let card = try JSONBody.decode(NetworkCard.self, from: $0)
            precondition(card.networks.count <= NetworkCard.networkLimit, "a card has more networks than it may have")
            precondition(card.hardware.magicPacket.count == 102, "a packet has another length than it must")
        },
        .reading("trust-versions", seeds: ["[]"]) { try JSONBody.decode(TrustVersions.self, from: $0) },
    ]

    private static var samplePacket: GossipPacket {
        GossipPacket(
            header: GossipPacket.Header(
                instance: InstanceID(startedAt: .epoch, salt: 7), incarnation: Incarnation(number: 3), isLeaving: false,
                declarationVersion: 1))
    }

    private static var sampleBackup: [UInt8] {
        guard let id = NodeID(digest: Array(repeating: 7, count: 32)) else { return [] }
        return KinBackup(
            root: id, operations: [SignedOperation(author: id, sequence: 1, bytes: [1, 2, 3])],
            addresses: [id: [PeerAddress("10.0.0.2:7443")].compactMap { $0 }]
        ).encoded
    }
}
