// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithMembership
import KithModel

extension PeerDirectory.State {
    /// A node that speaks no version of this node's protocol is that, and not dead, unless it cannot be found and has not
    /// come by itself for a while.
    fileprivate func mismatch(with id: NodeID, isPresent: Bool, now: Moment) -> PeerEntry.State? {
        guard let greeting = greetings[id], greeting.protocols.common(with: ownProtocols) == nil else { return nil }
        switch failures[id] {
        case nil, .incompatible, .rejected: break
        case .noAddress, .refused, .unreachable, .timeout, .wrongNode:
            guard isPresent || now - greeting.heard < PeerDirectory.greetingLife else { return nil }
        }
        return .incompatible(theirs: greeting.protocols, ours: ownProtocols)
    }
}

extension PeerEntry {
    /// What is known of a paired node: from the trust book, from membership, and from what failed last.
    init(_ peer: PeerRecord, member: Member?, name: NodeName, known: PeerDirectory.State, now: Moment) {
        self.init(
            id: peer.id, name: name, tier: peer.tier,
            state: known.mismatch(with: peer.id, isPresent: member?.state.isPresent ?? false, now: now)
                ?? (peer.tier == .kin
                    ? Self.state(of: member, failure: known.failures[peer.id])
                    : Self.state(ofKith: peer.id, known: known)),
            load: member.flatMap { known.loads[$0.id]?.load },
            models: known.models[peer.id]?.models ?? [], isDescribed: known.models[peer.id] != nil,
            addresses: (member?.addresses.isEmpty == false ? member?.addresses ?? [] : peer.addresses)
                .map(\.description),
            latency: member?.roundTrip ?? known.met[peer.id]?.roundTrip,
            lastHeard: member?.lastHeard ?? known.met[peer.id]?.at,
            takenAt: known.loads[peer.id]?.at ?? .zero, isCloned: known.cloned[peer.id] != nil)
    }

    private static func state(ofKith id: NodeID, known: PeerDirectory.State) -> State {
        if known.met[id] != nil { return .up }
        return known.failures[id].map { .down($0.description) } ?? .unknown(nil)
    }

    private static func state(of member: Member?, failure: LinkFailure?) -> State {
        guard let member else { return .unknown(failure?.description) }
        switch member.state {
        case .alive: return .up
        case .suspect: return .suspect
        case .left: return .left
        case .dead: return .down(failure?.description ?? "does not answer")
        case .unknown: return .unknown(failure?.description)
        }
    }
}
