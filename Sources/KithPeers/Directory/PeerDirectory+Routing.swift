// SPDX-License-Identifier: Apache-2.0

package import KithInference
import KithMembership
package import KithModel
import Synchronization

/// What the router is told, and how it reaches the nodes that answer.
extension PeerDirectory: Mesh {
    package func snapshots() -> [NodeSnapshot] {
        let status = engine.status()
        var own = NodeSnapshot(
            id: ownID, name: ownName, isSelf: true, models: status.models, engine: status.engine,
            resident: status.resident, slots: status.slots, outstanding: status.active + status.queued, level: level(),
            machine: machine(), takenAt: clock.now)
        return state.withLock { state in
            own.isDraining = state.drainingSince != nil
            let now = clock.now
            return [own]
                + state.entries.map { id, entry in
                    var snapshot = entry.snapshot(of: id)
                    if snapshot.reachability == .unknown, let since = state.knownSince[id], now - since < Self.newness {
                        snapshot.reachability = .new
                    }
                    return snapshot
                }
        }
    }

    package var drainCount: Int { drains.load(ordering: .relaxed) }

    package func backend(for id: NodeID) -> (any Answering)? {
        if id == ownID { return seat.engine }
        guard state.withLock({ $0.entries[id] != nil }) else { return nil }
        return PeerClient(
            id: id, addresses: { [membership] in membership.addresses(of: id) }, links: links, clock: clock,
            onContact: { [membership, clock, pace = ContactPace()] in
                if pace.isDue(now: clock.now) { membership.contact(id) }
            })
    }

    package func report(_ failure: ChatError, from id: NodeID) {
        // Failures of this node's own engine are reported by the engine itself.
        guard id != ownID, failure.code == .unreachable || failure.code == .interrupted else { return }
        membership.connectionLost(id)
    }

    package func noteUnknownModel() { engine.noteUnknownModel() }

    package func wake(_ node: NodeID) -> WakeStep { waking(node) ?? .refused("this node wakes nobody") }

    package func wakeForecast(of node: NodeID) -> WakeForecast? { waking.forecast(of: node) }

    /// Whether a prompt would wake a node that is asleep, as far as settings and networks tell.
    package func mayBeWoken(_ node: NodeID) -> Bool { waking.mayBeWoken(node) }
}
