// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithMembership
import KithModel
import KithTransport
import KithTrust
import Logging
import Synchronization

extension PeerMesh {
    /// Uses what discovery suggests: where kin may be, and which nodes may be at addresses without an id.
    package func suggested(_ peers: [SuggestedPeer]) async {
        let kin = trust.kin
        for peer in peers {
            guard let id = peer.id, kin.contains(id) else { continue }
            membership.suggest(addresses: peer.addresses.map(\.address), for: id)
        }
        await identify(peers.filter { $0.id == nil }.flatMap(\.addresses).map(\.address))
    }

    /// Finds out which nodes answer at addresses that were suggested without an id.
    ///
    /// Each is dialled as if this node itself were there: the refusal names any other node that answers, as a
    /// suggestion.
    private func identify(_ addresses: [PeerAddress]) async {
        await withDiscardingTaskGroup { group in
            for address in addressIdentities.due(addresses, now: clock.now) {
                group.addTask { await self.identify(address) }
            }
        }
    }

    private func identify(_ address: PeerAddress) async {
        do {
            try await links.open(ownIdentity.id, at: address).close()  // this very node, or a copy of it
        } catch LinkError.wrongNode(let seen) {
            addressIdentities.found(seen, at: address)
            if trust.kin.contains(seen) { membership.suggest(addresses: [address], for: seen) }
        } catch {
            logger.debug("nobody identified", metadata: ["address": "\(address)", "reason": "\(error)"])
        }
    }

    /// The addresses at which other nodes seem to be, and whose each is said to be.
    func seen() -> [(id: NodeID?, address: PeerAddress)] {
        let suggestions = discovery.withLock { $0 }?.suggestions() ?? []
        return suggestions.filter { $0.id != ownIdentity.id }.flatMap { peer in
            peer.addresses.map { (peer.id ?? addressIdentities.node(at: $0.address), $0.address) }
        }
    }

    /// Whether other machines of this network hear where this node is.
    var isSeenByOthers: Bool { discovery.withLock { $0 }?.isWorking(.mdns) ?? false }

    package func nearby() -> ControlMessage.Nearby {
        guard let discovery = discovery.withLock({ $0 }) else { return ControlMessage.Nearby(nodes: [], problems: []) }
        let paired = Set(trust.peers().map(\.id))
        let nodes = discovery.suggestions().compactMap { peer -> ControlMessage.Nearby.Node? in
            let id = peer.id ?? peer.addresses.lazy.compactMap { self.addressIdentities.node(at: $0.address) }.first
            if let id, paired.contains(id) || id == ownIdentity.id { return nil }
            // Remembered are the addresses of nodes that were trusted at the start: this one was forgotten since.
            if peer.addresses.allSatisfy({ $0.source == .remembered }) { return nil }
            let first = peer.addresses.first
            return ControlMessage.Nearby.Node(
                id: id?.description, name: peer.name?.rawValue, version: peer.version,
                addresses: peer.addresses.map(\.address), source: first?.source.rawValue ?? "",
                seenSecondsAgo: (first?.goneFor ?? .zero).seconds)
        }
        return ControlMessage.Nearby(
            nodes: nodes, problems: discovery.problems().map { "\($0.source.rawValue): \($0.text)" })
    }
}

/// The nodes that answer at addresses that were suggested without an id.
final class AddressIdentityCache: Sendable {
    /// Between two attempts at the same address.
    static let pause = Duration.seconds(10)
    static let limit = 256

    private struct Entry: Sendable {
        var id: NodeID?
        var asked: MonotonicInstant
    }

    private let entries = Mutex<[PeerAddress: Entry]>([:])

    /// The addresses that are to be asked now; they count as asked.
    func due(_ addresses: [PeerAddress], now: MonotonicInstant) -> [PeerAddress] {
        entries.withLock { entries in
            entries = entries.filter { addresses.contains($0.key) }
            let due = addresses.prefix(Self.limit).filter { address in
                entries[address].map { now - $0.asked >= Self.pause } ?? true
            }
            for address in due { entries[address] = Entry(id: entries[address]?.id, asked: now) }
            return due
        }
    }

    func found(_ id: NodeID, at address: PeerAddress) { entries.withLock { $0[address]?.id = id } }

    func node(at address: PeerAddress) -> NodeID? { entries.withLock { $0[address]?.id } }
}
