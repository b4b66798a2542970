// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("Pairing the nodes of a cluster")
struct ClusterPairingTests {
    private let ids: [NodeID]

    init() throws {
        ids = try (0..<4).map { try #require(NodeID(digest: [UInt8](repeating: UInt8($0), count: 32))) }
    }

    private func peer(_ id: NodeID, tier: String = "kin", state: String = "up") -> NodeStatus.Peer {
        NodeStatus.Peer(
            id: id.description, name: "n", address: "", tier: tier, state: state, models: [], active: 0, slots: 0,
            latencyMilliseconds: nil, lastSeenSeconds: nil, reason: nil)
    }

    @Test("In a new cluster all but the first are paired with it")
    func new() {
        #expect(ClusterPairing(ids: ids, peersOfFirst: []).joiners == [1, 2, 3])
    }

    @Test("Nodes that are kin already are not paired again, whatever their state")
    func again() {
        let peers = [peer(ids[1], state: "down"), peer(ids[3])]
        #expect(ClusterPairing(ids: ids, peersOfFirst: peers).joiners == [2])
        #expect(ClusterPairing(ids: ids, peersOfFirst: ids.map { peer($0) }).joiners == [])
    }

    @Test("A node that is kith only is paired as kin")
    func kith() {
        #expect(ClusterPairing(ids: ids, peersOfFirst: [peer(ids[1], tier: "kith")]).joiners == [1, 2, 3])
    }

    @Test("One node alone has nobody to be paired with, and no node none at all")
    func few() {
        #expect(ClusterPairing(ids: [ids[0]], peersOfFirst: []).joiners == [])
        #expect(ClusterPairing(ids: [], peersOfFirst: []).joiners == [])
    }

    @Test("A node is of use when it knows all others and reaches them, strangers of earlier runs aside")
    func faults() {
        let known = [peer(ids[0]), peer(ids[2])]
        #expect(ClusterPairing.fault(of: ids[1], among: Array(ids.prefix(3)), peers: known) == nil)
        #expect(ClusterPairing.fault(of: ids[1], among: ids, peers: known) == "does not know \(ids[3].short) yet")
        let silent = known + [peer(ids[3], state: "unknown")]
        #expect(ClusterPairing.fault(of: ids[1], among: ids, peers: silent) == "does not reach n")
        #expect(
            ClusterPairing.fault(
                of: ids[1], among: Array(ids.prefix(1)), peers: [peer(ids[0]), peer(ids[3], state: "down")])
                == nil)
    }
}
