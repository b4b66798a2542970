// SPDX-License-Identifier: Apache-2.0

import KithMembership
package import KithModel
import Synchronization

/// What is heard of the peers, from them and from the owner.
extension PeerDirectory {
    package func setPlain(_ peers: [PeerEndpoint]) {
        state.withLock { state in
            state.plainEndpoints = peers
            state.plain = peers.compactMap { peer in
                Self.name(of: peer.address).map {
                    PeerView(id: nil, name: $0, tier: .kith, state: .plain, addresses: [peer.address.description])
                }
            }
        }
        changed.yield()
    }

    /// The plain services of the seeds.
    func plainEndpoints() -> [PeerEndpoint] { state.withLock { $0.plainEndpoints } }

    /// A node has said hello on a connection that it opened.
    func greeted(_ id: NodeID, _ hello: PeerHello, from source: String) {
        spoke(id, hello.protocols)
        // The address that it connects from may be used too, when it says at which port it listens.
        let port = hello.addresses.first?.port ?? PeerAddress.defaultPort
        let seen = PeerAddress(host: source, port: port).map { [$0] } ?? []
        membership.suggest(addresses: seen + hello.addresses, for: id)
    }

    /// A node has told its versions, no matter which side opened the connection.
    func spoke(_ id: NodeID, _ protocols: ProtocolVersions) {
        state.withLock { state in
            state.greetings[id] = (protocols, clock.now)
            state.failures[id] = nil
        }
        changed.yield()
    }

    /// Whether the node's last greeting named no version that this node speaks.
    func isIncompatible(_ id: NodeID) -> Bool {
        state.withLock { state in
            state.greetings[id].map { $0.protocols.common(with: state.ownProtocols) == nil } ?? false
        }
    }

    /// The node was heard: its earlier failure no longer counts.
    func recovered(_ id: NodeID) {
        state.withLock { $0.failures[id] = nil }
        changed.yield()
    }

    func failed(_ id: NodeID, with failure: LinkError) {
        state.withLock { state in
            state.failures[id] = failure
            if case .incompatible(let theirs, _) = failure { state.greetings[id] = (theirs, clock.now) }
        }
        changed.yield()
    }

    /// A node has told what its clock shows.
    func told(_ id: NodeID, _ clock: WallTime, roundTrip: Duration) {
        let estimate = ClockEstimate(theirs: clock, ours: .now(), roundTrip: roundTrip, now: self.clock.now)
        state.withLock { state in
            guard state.entries[id] != nil else { return }
            state.clocks[id] = state.clocks[id]?.updated(by: estimate) ?? estimate
        }
    }

    /// Of each node that tells: its clock less this node's.
    package func clockOffsets() -> [NodeID: Duration] { state.withLock { $0.clocks.mapValues(\.offset) } }

    /// A friend's node answered.
    func met(_ id: NodeID, _ hello: PeerHello, roundTrip: Duration) {
        let now = clock.now
        state.withLock { state in
            state.met[id] = (now, roundTrip)
            state.failures[id] = nil
        }
        changed.yield()
    }

    /// A friend's node did not answer.
    func missed(_ id: NodeID, _ failure: LinkError) {
        state.withLock { state in
            state.met[id] = nil
            state.failures[id] = failure
        }
        changed.yield()
    }

    /// A node connected that uses this node's own identity.
    func sawCopy(at source: String) {
        audit.record(
            .identityCloned, subject: ownID.description, source: source,
            reason: "another node uses this node's identity; run kith rekey on the copy")
        let now = clock.now
        state.withLock { $0.cloned[ownID] = now }
        changed.yield()
    }

    /// Membership found two lives of one node.
    package func sawClone(of id: NodeID) {
        if id == ownID { return sawCopy(at: "elsewhere") }
        let now = clock.now
        state.withLock { $0.cloned[id] = now }
        audit.record(
            .identityCloned, subject: id.description, source: nil,
            reason: "two nodes use this identity; run kith rekey on the copy")
        refresh()
    }

    /// Sends new prompts elsewhere, or no longer; kin are told at once. Restarting the node ends it.
    ///
    /// - Parameter reason: For the audit log; `nil` for a node that stops.
    package func setDraining(_ isDraining: Bool, reason: String?) {
        let now = clock.now
        state.withLock { state in
            // A node that stops takes no prompts again, whatever ends meanwhile.
            if isDraining, reason == nil { state.isStopping = true }
            guard (state.drainingSince != nil) != isDraining, isDraining || !state.isStopping else { return }
            state.drainingSince = isDraining ? now : nil
            if let reason { audit.record(.nodeDraining, subject: nil, source: nil, reason: reason) }
        }
        if isDraining { drains.add(1, ordering: .relaxed) }
        declareLoad()
    }

    /// What a node has said that it offers; `nil` until it has.
    func models(of id: NodeID) -> PeerModels? { state.withLock { $0.models[id] } }

    /// What a node offered when it was heard last, before this one was started.
    func recall(_ models: PeerModels, of id: NodeID) {
        let kept = PeerModels(catalogue: models.catalogue, models: Array(models.models.prefix(PeerModels.limit)))
        state.withLock { state in if state.models[id] == nil { state.models[id] = kept } }
        refresh()
    }

    /// Kin are told with the goodbye that follows.
    func fallAsleep() {
        state.withLock { $0.slumber = .fallingAsleep }
        declareLoad()
    }

    /// The goodbye was said: what takes it back ends the sleep.
    func fellAsleep() { state.withLock { $0.slumber = .asleep } }

    private static func name(of address: HTTPAddress) -> NodeName? {
        let text = "\(address.host)-\(address.port)".map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return NodeName(String(text.suffix(64)))
    }
}
