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
            name: ownName, isSelf: true, models: status.models, isLoading: status.health == .loading,
            slots: status.slots, outstanding: status.active + status.queued, level: level(), takenAt: clock.now)
        return state.withLock { state in
            own.isDraining = state.drainingSince != nil
            return [own] + state.entries.values.map(\.snapshot)
        }
    }

    package func backend(for node: NodeName) -> (any Answering)? {
        if node == ownName { return localEngine }
        guard let id = state.withLock({ $0.names.ids[node] }) else { return nil }
        return PeerClient(
            id: id, addresses: { [membership] in membership.addresses(of: id) }, links: links, clock: clock,
            onContact: { [membership, clock, pace = ContactPace()] in
                if pace.isDue(now: clock.now) { membership.contact(id) }
            })
    }

    package func report(_ failure: ChatFailure, from node: NodeName) {
        guard failure.code == .unreachable || failure.code == .interrupted,
            let id = state.withLock({ $0.names.ids[node] })
        else { return }
        membership.connectionLost(id)
    }
}
