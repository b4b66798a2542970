// SPDX-License-Identifier: Apache-2.0

import KithMembership
package import KithModel

/// The owner of an entry of the registry, until it expires.
///
/// A caller with a key or a certificate owns by that, from any address. Others own by the address of their connection:
/// all programs of one machine are then one owner, since nothing more is known without keys.
package enum RegistryOwner: Hashable, Sendable, Codable {
    case principal(String)
    case address(String)
    /// This node, which asked and was answered. A cell that registers itself from the same address takes its entry
    /// over.
    case probe

    /// The owner behind a connection; all loopback addresses are one.
    package static func connected(from address: String?) -> RegistryOwner {
        guard let address else { return .address("unknown") }
        guard let ip = IPAddress(address) else { return .address(address) }
        return .address(ip.isLoopback ? "loopback" : ip.description)
    }
}

/// Why the registry does not do what it was asked to.
package enum RegistryRefusal: Error, Hashable, Sendable {
    /// A field that cannot be taken, by its name in JSON, and why.
    case unusable(field: String, why: String)
    /// The id belongs to someone else until it expires.
    case taken(String)
    /// No such entry, or not any more.
    case unknown(String)
    /// The entry belongs to someone else.
    case foreign(String)
    /// The limit on entries, or on those of one owner.
    case full(Int)

    package var message: String {
        switch self {
        case .unusable(_, let why): why
        case .taken(let id): "Cell \(id) is registered by somebody else, who has not let it expire"
        case .unknown(let id): "Peer \(id) not registered. Call /register first."
        case .foreign(let id): "Cell \(id) was registered by somebody else"
        case .full(let limit): "No more than \(limit) cells can be registered"
        }
    }
}

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
        var until: MonotonicInstant
    }

    private let rules: RegistryAddressRules
    private var live: [String: Live] = [:]

    package init(rules: RegistryAddressRules = RegistryAddressRules()) { self.rules = rules }

    /// Adds a cell, or updates it to what its owner now says.
    ///
    /// - Returns: Why it is not taken; `nil` when it is.
    package mutating func register(
        _ cell: CellInfo, by owner: RegistryOwner, at now: MonotonicInstant, wall: WallTime
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
        _ id: String, level: Double?, by owner: RegistryOwner, at now: MonotonicInstant, wall: WallTime
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
    package mutating func deregister(_ id: String, by owner: RegistryOwner, at now: MonotonicInstant)
        -> RegistryRefusal?
    {
        expire(at: now)
        guard let known = live[id] else { return .unknown(id) }
        guard known.entry.owner == owner else { return .foreign(id) }
        live[id] = nil
        return nil
    }

    /// The cells that have not expired, by id.
    package func cells(at now: MonotonicInstant) -> [CellInfo] { entries(at: now).map(\.cell) }

    /// What is to be saved, by id.
    package func entries(at now: MonotonicInstant) -> [Entry] {
        live.values.filter { now < $0.until }.map(\.entry).sorted { $0.cell.cellID < $1.cell.cellID }
    }

    /// - Returns: Whether anything had expired.
    @discardableResult
    package mutating func expire(at now: MonotonicInstant) -> Bool {
        let count = live.count
        live = live.filter { now < $0.value.until }
        return live.count != count
    }

    /// Restores what an earlier instance saved. Cells get the usual time to be heard from; those saved too long ago,
    /// and those that would be refused now, are dropped.
    package mutating func restore(_ entries: [Entry], savedAt: WallTime, at now: MonotonicInstant, wall: WallTime) {
        guard wall.duration(since: savedAt) <= Self.maximumArchiveAge else { return }
        for entry in entries.prefix(Self.maximumEntries) where refusal(of: entry.cell) == nil {
            live[entry.cell.cellID] = Live(entry: entry, until: now + Self.expiry)
        }
    }

    // MARK: What is accepted

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

/// Which addresses may be registered: those that do not lead out of the house.
///
/// Readers of `/peers` may connect to what it lists, so an address on the internet could make them attack it.
package struct RegistryAddressRules: Sendable {
    /// Suffixes of names that are resolved within the house (RFC 6762, RFC 8375, and by custom).
    private static let localSuffixes = [".local", ".lan", ".internal", ".home", ".home.arpa", ".localhost"]

    /// Addresses and names outside, that are allowed all the same.
    package var allowed: Set<String>

    package init(allowed: Set<String> = []) { self.allowed = Set(allowed.map { $0.lowercased() }) }

    /// - Returns: Why the address is refused; `nil` when it is not.
    package func refusal(of address: String) -> String? {
        let host = address.lowercased()
        if allowed.contains(host) { return nil }
        if let ip = IPAddress(host) {
            guard ip.isUnicast else { return "'ip' must be the address of one host" }
            guard ip.isLoopback || ip.isPrivate else {
                return "'ip' is outside loopback and private ranges; the registry's owner can allow it"
            }
            return nil
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let isName =
            (1...253).contains(host.utf8.count) && labels.allSatisfy(Self.isLabel)
            && labels.last?.utf8.allSatisfy { (0x30...0x39).contains($0) } == false
        guard isName else { return "'ip' must be an address or a host name" }
        guard labels.count == 1 || Self.localSuffixes.contains(where: host.hasSuffix) else {
            return "'ip' is a name outside this network; the registry's owner can allow it"
        }
        return nil
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count)
            && label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
