// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Members to be probed as soon as there is room, each once, in the order in which they were asked for.
struct UrgentProbes: Sendable {
    private var queue: [NodeID] = []
    private var read = 0
    private var waiting: Set<NodeID> = []

    mutating func add(_ id: NodeID) {
        if waiting.insert(id).inserted { queue.append(id) }
    }

    mutating func next() -> NodeID? {
        guard read < queue.count else { return nil }
        let id = queue[read]
        read += 1
        waiting.remove(id)
        if read == queue.count {
            queue.removeAll()
            read = 0
        }
        return id
    }
}
