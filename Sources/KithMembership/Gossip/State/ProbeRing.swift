// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The members that take part, in the order in which they are probed: each once a round, in an order that is drawn again
/// for each round (SWIM, section 4.3).
struct ProbeRing: Sendable {
    private var members: [NodeID] = []
    private var places: [NodeID: Int] = [:]
    private var next = 0

    var count: Int { members.count }
    var ids: [NodeID] { members }

    /// Inserts a new member at a random place in the rest of the round.
    mutating func insert(_ id: NodeID, using generator: inout some RandomNumberGenerator) {
        guard places[id] == nil else { return }
        members.append(id)
        places[id] = members.count - 1
        swap(members.count - 1, Int.random(in: min(next, members.count - 1)..<members.count, using: &generator))
    }

    mutating func remove(_ id: NodeID) {
        guard var place = places.removeValue(forKey: id) else { return }
        if place < next {
            next -= 1
            swap(place, next)
            place = next
        }
        swap(place, members.count - 1)
        members.removeLast()
        places[id] = nil
    }

    mutating func takeNext(using generator: inout some RandomNumberGenerator) -> NodeID? {
        if next >= members.count {
            members.shuffle(using: &generator)
            for (place, id) in members.enumerated() { places[id] = place }
            next = 0
        }
        guard next < members.count else { return nil }
        next += 1
        return members[next - 1]
    }

    /// Up to `count` different members that satisfy a condition, drawn at random.
    ///
    /// With few that satisfy it, some may be missed: the draws are bounded.
    func draw(
        _ count: Int, using generator: inout some RandomNumberGenerator, where isWanted: (NodeID) -> Bool
    ) -> [NodeID] {
        guard !members.isEmpty else { return [] }
        if members.count <= count * 4 {
            return Array(members.shuffled(using: &generator).filter(isWanted).prefix(count))
        }
        var drawn: [NodeID] = []
        for _ in 0..<count * 6 where drawn.count < count {
            let id = members[Int.random(in: 0..<members.count, using: &generator)]
            if !drawn.contains(id), isWanted(id) { drawn.append(id) }
        }
        return drawn
    }

    private mutating func swap(_ one: Int, _ other: Int) {
        guard one != other else { return }
        members.swapAt(one, other)
        places[members[one]] = one
        places[members[other]] = other
    }
}

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
        if read == queue.count || read >= Membership.memberLimit {
            queue.removeFirst(read)
            read = 0
        }
        return id
    }
}
