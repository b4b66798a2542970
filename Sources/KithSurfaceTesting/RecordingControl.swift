// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel
import KithPeers
import Synchronization

/// Answers as a test says and notes what it was asked, so that the routes can be looked at alone.
package final class RecordingControl: MeshControl {
    package enum Call: Hashable, Sendable {
        case invite(Tier, expiresSeconds: Int?)
        case join(String)
        case change(String, name: NodeName?, tier: Tier?)
        case forget(String)
        case wake(String)
        case send(SessionID, to: String)
    }

    package static let peer: ControlMessage.Peer? = NodeID(digest: [UInt8](repeating: 7, count: 32)).flatMap { id in
        NodeName("laptop").map { ControlMessage.Peer(id: id, name: $0, tier: .kin) }
    }

    private let noted = Mutex<[Call]>([])
    private let own: ControlMessage.Identity
    private let peer: ControlMessage.Peer
    private let failure: ControlError?

    package init(peer: ControlMessage.Peer, failure: ControlError? = nil) {
        self.peer = peer
        self.failure = failure
        own = ControlMessage.Identity(
            id: peer.id, name: peer.name, fingerprint: "ab:cd",
            addresses: [PeerAddress("192.0.2.1:7443")].compactMap(\.self), isCloned: true)
    }

    package var calls: [Call] { noted.withLock { $0 } }

    func identity() -> ControlMessage.Identity { own }

    func invite(_ request: ControlMessage.InvitationRequest) async throws -> ControlMessage.Invitation {
        try note(.invite(request.tier, expiresSeconds: request.expiresSeconds))
        return ControlMessage.Invitation(
            code: "CODE-CODE", tier: request.tier, expiresSeconds: request.expiresSeconds ?? 600)
    }

    func join(_ request: ControlMessage.JoinRequest) async throws -> ControlMessage.Peer {
        try note(.join(request.code))
        return peer
    }

    func change(_ peer: String, _ change: ControlMessage.PeerChange) async throws -> ControlMessage.Peer {
        try note(.change(peer, name: change.name, tier: change.tier))
        return self.peer
    }

    func forget(_ peer: String, wholly: Bool) async throws -> ControlMessage.Forgotten {
        try note(.forget(peer))
        return ControlMessage.Forgotten(peer: self.peer)
    }

    func forgotten() -> ControlMessage.Leftovers { ControlMessage.Leftovers(nodes: []) }

    func nearby() -> ControlMessage.Nearby {
        ControlMessage.Nearby(
            nodes: [
                .init(
                    id: peer.id.description, name: "laptop", version: "1",
                    addresses: [PeerAddress("[fe80::1%eth0]:7443")].compactMap(\.self), source: "mdns",
                    seenSecondsAgo: 1.5)
            ], problems: ["no mDNS daemon answers"])
    }

    func wake(_ peer: String) async throws -> ControlMessage.Wake {
        try note(.wake(peer))
        return ControlMessage.Wake(
            peer: self.peer, isUp: false, sent: [.init(node: self.peer.name, networks: ["192.0.2.0/24"])], missed: [],
            usualSeconds: 8.5)
    }

    func send(_ session: SessionExport, to peer: String) async throws -> SessionDelivery {
        try note(.send(session.id, to: peer))
        return SessionDelivery(peer: self.peer, receipt: SessionReceipt(.stored))
    }

    private func note(_ call: Call) throws {
        noted.withLock { $0.append(call) }
        if let failure { throw failure }
    }
}
