// SPDX-License-Identifier: Apache-2.0

import KithModel

/// About whom there is news to tell, what was told least often first (SWIM, section 4.1).
struct RumourQueue: Sendable {
    private struct Place {
        var round: Int
        var stamp: UInt64
        var size: Int
    }

    private var places: [NodeID: Place] = [:]
    /// The rumours that were told 0 times, once, twice…; entries whose stamp is not their place's are left over.
    private var rounds: [[(id: NodeID, stamp: UInt64)]] = []
    private var lastStamp: UInt64 = 0

    var isEmpty: Bool { places.isEmpty }
    var count: Int { places.count }

    /// Tells it anew when it was told before.
    mutating func add(_ id: NodeID, size: Int) {
        lastStamp &+= 1
        if places[id]?.round == 0 {
            places[id]?.size = size
            return
        }
        places[id] = Place(round: 0, stamp: lastStamp, size: size)
        if rounds.isEmpty { rounds.append([]) }
        rounds[0].append((id, lastStamp))
    }

    mutating func remove(_ id: NodeID) { places[id] = nil }

    /// Takes as many rumours as fit, and forgets those that have then been told `limit` times.
    mutating func take(bytes: Int, limit: Int) -> [NodeID] {
        guard !places.isEmpty else {
            rounds.removeAll()
            return []
        }
        var room = bytes
        var taken: [NodeID] = []
        var moved: [(id: NodeID, round: Int)] = []
        var isFull = false
        for round in rounds.indices where !isFull {
            var read = 0
            for entry in rounds[round] {
                guard let place = places[entry.id], place.stamp == entry.stamp else {
                    read += 1
                    continue
                }
                guard place.size <= room, taken.count < GossipPacket.recordLimit / 2 else {
                    isFull = true
                    break
                }
                room -= place.size
                taken.append(entry.id)
                moved.append((entry.id, round + 1))
                read += 1
            }
            rounds[round].removeFirst(read)
        }
        for (id, round) in moved { move(id, to: round, limit: limit) }
        return taken
    }

    private mutating func move(_ id: NodeID, to round: Int, limit: Int) {
        guard round < limit, let stamp = places[id]?.stamp else {
            places[id] = nil
            return
        }
        while rounds.count <= round { rounds.append([]) }
        places[id]?.round = round
        rounds[round].append((id, stamp))
    }
}
