// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The cells that a discovery service of the seeds knows. A pure value; the shell is `RegistryService`.
package struct Registry: Sendable {
    /// Without a heartbeat; clients send one every 5 s.
    package static let expiry = Duration.seconds(15)
    package static let maximumEntries = 1_024
    package static let maximumEntriesOfOneOwner = 256
    /// What was saved longer ago is not restored: the cells are gone, or register again within seconds.
    package static let maximumArchiveAge = Duration.seconds(600)

    package struct Entry: Hashable, Sendable {
        package var cell: CellInfo
        package var owner: RegistryOwner

        package init(cell: CellInfo, owner: RegistryOwner) {
            self.cell = cell
            self.owner = owner
        }
    }

    private struct Live {
        var entry: Entry
        var until: Moment
    }

    private let rules: RegistryAddressRules
    private var live: [String: Live] = [:]

    package init(rules: RegistryAddressRules = RegistryAddressRules()) { self.rules = rules }

    /// Takes a cell, or what its owner now says of it.
    ///
    /// - Returns: Why it is not taken; `nil` when it is.
    package mutating func register(
        _ cell: CellInfo, by owner: RegistryOwner, at now: Moment, wall: WallTime
    ) -> RegistryRefusal? {
        expire(at: now)
        if let refusal = refusal(of: cell) { return refusal }
        if let known = live[cell.cellID] {
            let speaksForItself = known.entry.owner == .probe && known.entry.cell.ip == cell.ip
            guard known.entry.owner == owner || speaksForItself else { return .taken(cell.cellID) }
        } else {
            guard live.count < Self.maximumEntries else { return .full(Self.maximumEntries) }
            let owned = live.values.count { $0.entry.owner == owner }
            guard owned < Self.maximumEntriesOfOneOwner else { return .full(Self.maximumEntriesOfOneOwner) }
        }
        var cell = cell
        cell.lastSeen = wall
        live[cell.cellID] = Live(entry: Entry(cell: cell, owner: owner), until: now + Self.expiry)
        return nil
    }

    /// - Parameter level: `nil` leaves it as it was.
    /// - Returns: Why it is refused; `nil` when it is not.
    package mutating func heartbeat(
        _ id: String, level: Double?, by owner: RegistryOwner, at now: Moment, wall: WallTime
    ) -> RegistryRefusal? {
        expire(at: now)
        guard var known = live[id] else { return .unknown(id) }
        guard known.entry.owner == owner else { return .foreign(id) }
        if let level {
            if let refusal = Self.refusal(ofLevel: level) { return refusal }
            known.entry.cell.level = level
        }
        known.entry.cell.lastSeen = wall
        known.until = now + Self.expiry
        live[id] = known
        return nil
    }

    /// - Returns: Why it is refused; `nil` when it is not.
    package mutating func deregister(_ id: String, by owner: RegistryOwner, at now: Moment) -> RegistryRefusal? {
        expire(at: now)
        guard let known = live[id] else { return .unknown(id) }
        guard known.entry.owner == owner else { return .foreign(id) }
        live[id] = nil
        return nil
    }

    /// The cells that have not expired, by id.
    package func cells(at now: Moment) -> [CellInfo] { entries(at: now).map(\.cell) }

    /// What is to be saved, by id.
    package func entries(at now: Moment) -> [Entry] {
        live.values.filter { now < $0.until }.map(\.entry).sorted { $0.cell.cellID < $1.cell.cellID }
    }

    /// - Returns: Whether anything had expired.
    @discardableResult
    package mutating func expire(at now: Moment) -> Bool {
        let count = live.count
        live = live.filter { now < $0.value.until }
        return live.count != count
    }

    /// Takes up what an earlier life saved. Cells get the usual time to be heard of; those saved too long ago, and
    /// those that would be refused now, are dropped.
    package mutating func restore(_ entries: [Entry], savedAt: WallTime, at now: Moment, wall: WallTime) {
        guard wall.duration(since: savedAt) <= Self.maximumArchiveAge else { return }
        for entry in entries.prefix(Self.maximumEntries) where refusal(of: entry.cell) == nil {
            live[entry.cell.cellID] = Live(entry: entry, until: now + Self.expiry)
        }
    }

    // MARK: What can be taken

    private func refusal(of cell: CellInfo) -> RegistryRefusal? {
        let texts = [
            ("cell_id", cell.cellID), ("branch", cell.branch), ("type", cell.type), ("hostname", cell.hostname),
        ]
        for (field, text) in texts where !Self.isShown(text) {
            return .unusable(
                field: field, why: "'\(field)' must be at most \(CellInfo.maximumLength) bytes of printable text")
        }
        guard !cell.cellID.isEmpty, !cell.cellID.utf8.contains(UInt8(ascii: "/")) else {
            return .unusable(field: "cell_id", why: "'cell_id' must not be empty or hold a slash")
        }
        guard (1...65_535).contains(cell.port) else {
            return .unusable(field: "port", why: "'port' must be between 1 and 65535")
        }
        guard cell.services.count <= CellInfo.maximumServices, cell.services.allSatisfy(Self.isShown) else {
            return .unusable(
                field: "services", why: "'services' must be at most \(CellInfo.maximumServices) short texts")
        }
        if let why = rules.refusal(of: cell.ip) { return .unusable(field: "ip", why: why) }
        return Self.refusal(ofLevel: cell.level)
    }

    private static func refusal(ofLevel level: Double) -> RegistryRefusal? {
        CellInfo.levels.contains(level)
            ? nil : .unusable(field: "consciousness_level", why: "'consciousness_level' must be between 0 and 10")
    }

    /// What is shown to people and written to logs must not change how the rest of it looks.
    private static func isShown(_ text: String) -> Bool {
        text.utf8.count <= CellInfo.maximumLength
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: false
                default: true
                }
            }
    }
}
