// SPDX-License-Identifier: Apache-2.0

package import KithInference
import KithMembership
package import KithModel
import Synchronization

/// What the router is told, and how it reaches who answers.
extension PeerDirectory: Mesh {
    package func snapshots() -> [NodeSnapshot] {
        let status = engine.status()
        var own = NodeSnapshot(
            id: ownID, name: ownName, isSelf: true, models: status.models, engine: status.engine,
            slots: status.slots, outstanding: status.active + status.queued, level: level(), takenAt: clock.now)
        return state.withLock { state in
            own.isDraining = state.drainingSince != nil
            return [own] + state.entries.map { $1.snapshot(of: $0) }
        }
    }

    package func backend(for id: NodeID) -> (any Answering)? {
        if id == ownID { return localEngine }
        guard state.withLock({ $0.entries[id] != nil }) else { return nil }
        return PeerClient(
            id: id, addresses: { [membership] in membership.addresses(of: id) }, links: links, clock: clock,
            onContact: { [membership, clock, pace = ContactPace()] in
                if pace.isDue(now: clock.now) { membership.contact(id) }
            })
    }

    package func report(_ failure: ChatFailure, from id: NodeID) {
        // Its own engine's failures the engine itself tells.
        guard id != ownID, failure.code == .unreachable || failure.code == .interrupted else { return }
        membership.connectionLost(id)
    }

    package func noteUnknownModel() { engine.noteUnknownModel() }
}
