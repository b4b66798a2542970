// SPDX-License-Identifier: Apache-2.0

/// Decides which lines of a full audit trail give way, so that no flood empties it, from however many sources it comes.
///
/// Lines with the same kind and reason in the same hour share a place. All places have as many lines, or fewer: the fullest
/// give way first, so that a flood finds room in its own hour only. Within a place all sources have as many; when there are
/// more sources than lines, those that came first stay. Of one source the latest lines stay. A key or peer without an
/// address counts as a source.
package enum AuditShares {
    /// What is looked at of a line.
    package struct Line: Hashable, Sendable {
        /// Grows with time.
        package var id: Int64
        package var at: WallTime
        package var kind: String
        package var reason: String
        package var source: String?
        package var subject: String?

        package init(id: Int64, at: WallTime, kind: String, reason: String, source: String?, subject: String?) {
            self.id = id
            self.at = at
            self.kind = kind
            self.reason = reason
            self.source = source
            self.subject = subject
        }
    }

    /// Over which lines the trail is shared out.
    package enum Places: Sendable {
        /// Kind, reason and hour: for what strangers may cause at will.
        case hours
        /// The kind alone: for what only the owner does.
        case kinds
    }

    private struct Place: Hashable {
        var kind: String
        var reason = ""
        var hour: Int64 = 0
    }

    /// - Parameter lines: By id, the smallest first.
    /// - Returns: the ids of those that give way, so that `limit` stay.
    package static func surplus(of lines: [Line], by places: Places, keeping limit: Int) -> [Int64] {
        guard lines.count > max(0, limit) else { return [] }
        let groups = grouped(lines.reversed()) { place(of: $0, places) }
        let quotas = shares(of: groups.map(\.count), keeping: max(0, limit))
        return zip(groups, quotas).flatMap { group, quota in surplus(of: group.reversed(), keeping: quota) }
    }

    /// Of the lines of one place, the smallest id first.
    private static func surplus(of lines: [Line], keeping limit: Int) -> [Int64] {
        guard lines.count > limit else { return [] }
        let sources = grouped(lines, by: source)
        let quotas = shares(of: sources.map(\.count), keeping: limit)
        return zip(sources, quotas).flatMap { source, quota in source.dropLast(quota).map(\.id) }
    }

    /// Equal shares of `limit`, none larger than what there is; those that come first get what cannot be divided.
    package static func shares(of sizes: [Int], keeping limit: Int) -> [Int] {
        if sizes.isEmpty { return [] }
        var (rest, left) = (limit, sizes.count)
        for size in sizes.sorted() where size <= rest / left {
            rest -= size
            left -= 1
            if left == 0 { return sizes }
        }
        // What is left of the sizes is larger than an equal share of the rest.
        let share = rest / left
        var undivided = rest % left
        return sizes.map { size in
            guard size > share else { return size }
            guard undivided > 0 else { return share }
            undivided -= 1
            return share + 1
        }
    }

    private static func place(of line: Line, _ places: Places) -> Place {
        switch places {
        case .hours: Place(kind: line.kind, reason: line.reason, hour: line.at.milliseconds / 3_600_000)
        case .kinds: Place(kind: line.kind)
        }
    }

    private static func source(of line: Line) -> String {
        line.source.map { AddressNetwork(of: $0).description } ?? line.subject ?? ""
    }

    /// In the order in which each group is met first.
    private static func grouped<Key: Hashable>(_ lines: [Line], by key: (Line) -> Key) -> [[Line]] {
        var places: [Key: Int] = [:]
        var groups: [[Line]] = []
        for line in lines {
            let key = key(line)
            if let place = places[key] {
                groups[place].append(line)
            } else {
                places[key] = groups.count
                groups.append([line])
            }
        }
        return groups
    }
}
