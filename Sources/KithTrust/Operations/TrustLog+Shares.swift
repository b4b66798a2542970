// SPDX-License-Identifier: Apache-2.0

import KithModel

extension TrustLog {
    /// Authors that are declined at most, with those that are kept.
    private static let declinedLimit = 512

    /// Notes that no more of this author is taken for now.
    mutating func decline(_ signed: SignedOperation) {
        guard signed.sequence <= TrustOperation.sequenceLimit,
            declined[signed.author] != nil || declined.count < Self.declinedLimit
        else { return }
        declined[signed.author] = max(declined[signed.author] ?? 0, signed.sequence)
    }

    /// How many statements of an author kin need not send: what is kept of it, or more where no more is taken.
    func told(of author: NodeID) -> UInt64 {
        let last = lastSequence(of: author)
        guard isTight || !isWanted(author) else { return last }
        return max(last, declined[author] ?? 0)
    }

    /// Whether what the author says may count.
    private func isWanted(_ author: NodeID) -> Bool {
        author == root || resolution.kin[author] != nil
            || (resolution.admitted.contains(author) && resolution.forgotten[author] == nil)
    }

    private var isTight: Bool {
        foreignCount > capacity.statements * 3 / 4 || entries.count > capacity.authors * 3 / 4
    }

    /// After something was replaced or dropped: who is still heard, and who is heard no more.
    mutating func hearAnew() {
        heard = [root]
        var open = [root]
        while let author = open.popLast() {
            for entry in entries[author] ?? [] {
                guard case .admit = entry.operation.statement else { continue }
                if heard.insert(entry.operation.subject).inserted { open.append(entry.operation.subject) }
            }
        }
    }

    // MARK: What counts for nothing

    /// Drops what was stated by those whom nobody has validly admitted, such as whom a forgotten node introduced, and by the
    /// forgotten after what still counts of them: where that changes nothing for anybody else.
    mutating func dropVoid(into insertion: inout TrustInsertion) {
        let kept = void
        guard !kept.isEmpty else { return }
        let without = resolved(keeping: kept)
        // That somebody was forgotten whom nobody has admitted says nothing.
        let standing = resolution.forgotten.filter { without.admitted.contains($0.key) }
        guard without.kin == resolution.kin, without.admitted.isSubset(of: resolution.admitted),
            without.forgotten.filter({ without.admitted.contains($0.key) }) == standing
        else { return }
        for (author, count) in kept {
            let last = lastSequence(of: author)
            drop(author, keeping: count, into: &insertion)
            declined[author] = max(declined[author] ?? 0, last)
        }
        hearAnew()
        settle(on: without)
    }

    /// Of whom something counts for nothing, and how many statements of each may still count.
    private var void: [NodeID: Int] {
        var kept: [NodeID: Int] = [:]
        for author in entries.keys where author != root {
            let count = resolution.admitted.contains(author) ? resolution.cuts[author].map { Int(clamping: $0) } : 0
            if let count, count < entries[author]?.count ?? 0 { kept[author] = count }
        }
        // Who has forgotten somebody is still heard.
        for (subject, authors) in resolution.forgotten
        where resolution.admitted.contains(subject) && kept[subject] != 0 {
            for author in authors { kept[author] = nil }
        }
        return kept
    }

    mutating func drop(_ author: NodeID, keeping count: Int, into insertion: inout TrustInsertion) {
        if let waiting = heldBack.removeValue(forKey: author) { heldBackCount -= waiting.count }
        guard let own = entries[author], own.count > count else { return }
        entries[author] = count > 0 ? Array(own.prefix(count)) : nil
        if author != root { foreignCount -= own.count - count }
        insertion.kept[author] = UInt64(count)
    }

    // MARK: Who gives way

    /// Takes room from whom most is kept, with all whom it introduced, for an author of whom less is.
    ///
    /// - Returns: Whether there is room now.
    mutating func makeRoom(for author: NodeID, into insertion: inout TrustInsertion) -> Bool {
        guard (entries[author]?.count ?? 0) < Self.limitPerAuthor else { return false }
        let tree = insertion.tree ?? IntroductionTree(self)
        insertion.tree = tree
        guard let (victim, surplus) = tree.giver(for: author) else { return false }
        let count = entries[victim]?.count ?? 0
        let byAuthors = foreignCount < capacity.statements
        // One step frees room for some more, so that a flood does not pay for each statement.
        let freed = byAuthors ? count : max(1, min(count, surplus / 2, 64))
        insertion.tree = nil
        drop(victim, keeping: count - freed, into: &insertion)
        declined[victim] = max(declined[victim] ?? 0, UInt64(count))
        hearAnew()
        for unheard in entries.keys where !heard.contains(unheard) { drop(unheard, keeping: 0, into: &insertion) }
        return heard.contains(author)
    }
}

/// Who introduced whom, as a tree from this node on: each below the one that reaches it first.
struct IntroductionTree {
    private let root: NodeID
    private var parents: [NodeID: NodeID] = [:]
    private var children: [NodeID: [NodeID]] = [:]
    /// Statements of a node itself.
    private var own: [NodeID: Int] = [:]
    /// How many steps a node is away.
    private(set) var depths: [NodeID: Int] = [:]
    /// With those of all below it.
    private var weights: [NodeID: Int] = [:]

    init(_ log: TrustLog) {
        root = log.root
        var order = [root]
        var place = 0
        depths[root] = 0
        while place < order.count {
            let node = order[place]
            place += 1
            own[node] = node == root ? 0 : log.entries[node]?.count ?? 0
            for entry in log.entries[node] ?? [] {
                guard case .admit = entry.operation.statement else { continue }
                let subject = entry.operation.subject
                guard depths[subject] == nil else { continue }
                depths[subject] = (depths[node] ?? 0) + 1
                parents[subject] = node
                children[node, default: []].append(subject)
                order.append(subject)
            }
        }
        for node in order.reversed() {
            weights[node, default: 0] += own[node] ?? 0
            if let parent = parents[node] { weights[parent, default: 0] += weights[node] ?? 0 }
        }
    }

    /// The author that gives way to this one, and by how much its branch is the heavier; `nil` when there is none.
    func giver(for author: NodeID) -> (author: NodeID, surplus: Int)? {
        let path = path(to: author)
        var node = root
        var isShared = true
        var surplus = 0
        while true {
            // The node's own statements are a branch beside those below it.
            let branches = (children[node] ?? []).map { ($0, weights[$0] ?? 0) } + [(node, own[node] ?? 0)]
            guard let heaviest = branches.max(by: { ($0.1, $0.0) < ($1.1, $1.0) }), heaviest.1 > 0 else { return nil }
            if isShared {
                let asked = path[node] ?? node
                if asked != heaviest.0 {
                    surplus = heaviest.1 - (branches.first { $0.0 == asked }?.1 ?? 0)
                    guard surplus > 1 else { return nil }
                    isShared = false
                } else if heaviest.0 == node {
                    return nil
                }
            }
            if heaviest.0 == node { return (node, surplus) }
            node = heaviest.0
        }
    }

    /// For each node above this one the next on the way to it.
    private func path(to author: NodeID) -> [NodeID: NodeID] {
        var path: [NodeID: NodeID] = [:]
        var node = author
        while let parent = parents[node] {
            path[parent] = node
            node = parent
        }
        return path
    }
}
