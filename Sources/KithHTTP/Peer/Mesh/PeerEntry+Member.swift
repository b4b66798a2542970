// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithMembership
import KithModel

extension PeerEntry {
    /// What is known of a paired node: from the trust book, from membership, and from what failed last.
    init(_ peer: PeerRecord, member: Member?, name: NodeName, known: PeerDirectory.State) {
        let load = member.flatMap { try? JSONBody.decode(PeerLoad.self, from: $0.payload) }  // `nil` until it has told
        self.init(
            id: peer.id, name: name, tier: peer.tier,
            state: peer.tier == .kin
                ? Self.state(of: member, failure: known.failures[peer.id]) : Self.state(ofKith: peer.id, known: known),
            load: load,
            models: known.models[peer.id]?.models ?? [],
            addresses: (member?.addresses.isEmpty == false ? member?.addresses ?? [] : peer.addresses)
                .map(\.description),
            latency: member?.roundTrip ?? known.met[peer.id]?.roundTrip,
            lastHeard: member?.lastHeard ?? known.met[peer.id]?.at,
            takenAt: member?.lastHeard ?? .zero, isCloned: known.cloned.contains(peer.id))
    }

    private static func state(ofKith id: NodeID, known: PeerDirectory.State) -> State {
        if known.met[id] != nil { return .up }
        switch known.failures[id] {
        case .incompatible(let theirs)?: return .incompatible(theirs)
        case let failure?: return .down(failure.description)
        case nil: return .unknown(nil)
        }
    }

    private static func state(of member: Member?, failure: LinkFailure?) -> State {
        if case .incompatible(let theirs)? = failure { return .incompatible(theirs) }
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
