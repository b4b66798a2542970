// SPDX-License-Identifier: Apache-2.0

/// Places in the order in which they were taken, for each party, and the party that has most of them. Every operation takes
/// constant time, on average.
struct FairShareLane<Party: Hashable & Sendable, Place: Hashable & Sendable>: Sendable {
    /// A place between those of its party that were taken before and after it.
    private struct Link: Sendable {
        var older: Place?
        var newer: Place?
    }

    private struct Queue: Sendable {
        var oldest: Place
        var newest: Place
        var count: Int
    }

    private var links: [Place: Link] = [:]
    private var queues: [Party: Queue] = [:]
    /// The parties with so many places.
    private var byCount: [Int: Set<Party>] = [:]
    /// Places of the party that has most.
    private(set) var most = 0

    var count: Int { links.count }

    func count(of party: Party) -> Int { queues[party]?.count ?? 0 }

    func oldest(of party: Party) -> Place? { queues[party]?.oldest }

    /// A party that no other has more places than; any of them.
    var greediest: Party? { byCount[most]?.first }

    /// - Parameter place: One that is not in the lane.
    mutating func append(_ place: Place, of party: Party) {
        guard links[place] == nil else { return }
        var queue = queues[party] ?? Queue(oldest: place, newest: place, count: 0)
        if queue.count > 0 {
            links[place] = Link(older: queue.newest)
            links[queue.newest]?.newer = place
        } else {
            links[place] = Link()
        }
        queue.newest = place
        queue.count += 1
        queues[party] = queue
        rank(party, from: queue.count - 1, to: queue.count)
    }

    /// - Parameter party: The one that has it.
    mutating func remove(_ place: Place, of party: Party) {
        guard var queue = queues[party], let link = links.removeValue(forKey: place) else { return }
        if let older = link.older { links[older]?.newer = link.newer }
        if let newer = link.newer { links[newer]?.older = link.older }
        if queue.oldest == place, let newer = link.newer { queue.oldest = newer }
        if queue.newest == place, let older = link.older { queue.newest = older }
        queue.count -= 1
        queues[party] = queue.count > 0 ? queue : nil
        rank(party, from: queue.count + 1, to: queue.count)
    }

    private mutating func rank(_ party: Party, from old: Int, to new: Int) {
        if old > 0 {
            byCount[old]?.remove(party)
            if byCount[old]?.isEmpty == true { byCount[old] = nil }
        }
        if new > 0 { byCount[new, default: []].insert(party) }
        // Counts change by one, so that the greatest does as well.
        if new > most { most = new } else if old == most, byCount[old] == nil { most = new }
    }
}
