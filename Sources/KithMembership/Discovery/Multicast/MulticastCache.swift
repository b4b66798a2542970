// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What multicast DNS has told about `_kith._tcp`, and what to look up next. A pure value: the shell is `MulticastWorker`.
struct MulticastCache: Sendable {
    /// One advertisement, as one interface hears it.
    struct Key: Hashable, Sendable {
        var interface: UInt32
        var name: String
        var domain: String
    }

    /// What a lookup found.
    struct Found: Hashable, Sendable {
        var port: Int
        var text: ServiceText
        var addresses: [IPAddress]
    }

    enum Action: Hashable, Sendable {
        case lookUp(Key)
        case stop(Key)
    }

    static let maximumEntries = 256
    static let maximumAddresses = 16
    /// Lookups at once: each may cost a thread and a connection to the daemon.
    static let maximumLookups = 4
    static let lookupLimit = Duration.seconds(5)
    /// TXT records and addresses change without the advertisement being withdrawn.
    static let refresh = Duration.seconds(60)
    static let retry = Duration.seconds(10)
    /// Lookups in a row that find nothing before what was found is dropped: a machine that lost its power withdraws
    /// nothing, and its advertisement lives for more than an hour.
    static let maximumFailures = 4
    /// How long what was found stays while the daemon is away: the life of a host's record (RFC 6762, section 10).
    static let absence = Duration.seconds(120)
    /// How long a daemon that came back has to find again what was known.
    static let settling = Duration.seconds(10)

    private enum Phase: Hashable {
        case waiting(until: MonotonicInstant)
        case lookingUp(until: MonotonicInstant)
    }

    private struct Entry {
        /// Advertisements heard and not withdrawn: an interface may hear one over IPv4 and IPv6.
        var sightings: Int
        var phase: Phase
        var found: Found?
        /// Lookups in a row that found nothing.
        var failures = 0
        /// Known from before the daemon went, and not heard again since; forgotten then.
        var staleUntil: MonotonicInstant?

        var isBeingLookedUp: Bool { if case .lookingUp = phase { true } else { false } }
    }

    private let ownID: NodeID
    private var entries: [Key: Entry] = [:]

    init(ownID: NodeID) { self.ownID = ownID }

    // MARK: Events

    mutating func appeared(_ key: Key, at now: MonotonicInstant) {
        if entries[key] == nil, entries.count >= Self.maximumEntries { return }
        var entry = entries[key] ?? Entry(sightings: 0, phase: .waiting(until: now))
        if entry.staleUntil != nil { entry.phase = .waiting(until: now) }
        entry.staleUntil = nil
        entry.sightings = min(entry.sightings + 1, 16)
        entries[key] = entry
    }

    /// - Returns: `.stop` when a lookup is under way for what is gone.
    mutating func vanished(_ key: Key) -> Action? {
        guard var entry = entries[key] else { return nil }
        entry.sightings -= 1
        guard entry.sightings <= 0 else {
            entries[key] = entry
            return nil
        }
        entries[key] = nil
        if case .lookingUp = entry.phase { return .stop(key) }
        return nil
    }

    /// The end of a lookup; `nil` for one that found nothing, after which what was found before stays for a while.
    mutating func lookedUp(_ key: Key, _ found: Found?, at now: MonotonicInstant) {
        guard var entry = entries[key] else { return }
        entry.phase = .waiting(until: now + (found == nil ? Self.retry : Self.refresh))
        if var found {
            found.addresses = Array(found.addresses.prefix(Self.maximumAddresses))
            entry.found = found
            entry.failures = 0
        } else {
            entry.failures = min(entry.failures + 1, Self.maximumFailures)
            if entry.failures == Self.maximumFailures { entry.found = nil }
        }
        entries[key] = entry
    }

    /// The daemon is gone, and with it all requests to it.
    mutating func daemonLost(at now: MonotonicInstant) {
        for (key, entry) in entries {
            guard entry.found != nil else {
                entries[key] = nil
                continue
            }
            entries[key]?.sightings = 0
            entries[key]?.phase = .waiting(until: now)
            entries[key]?.staleUntil = entry.staleUntil ?? now + Self.absence
        }
    }

    mutating func daemonFound(at now: MonotonicInstant) {
        for (key, entry) in entries {
            entries[key]?.staleUntil = entry.staleUntil.map { min($0, now + Self.settling) }
        }
    }

    /// What is to be done now; also forgets what is stale.
    mutating func actions(at now: MonotonicInstant) -> [Action] {
        entries = entries.filter { $0.value.staleUntil.map { now < $0 } ?? true }
        var actions: [Action] = []
        var running = 0
        for (key, entry) in entries {
            guard case .lookingUp(let until) = entry.phase else { continue }
            if now < until {
                running += 1
            } else {
                actions.append(.stop(key))
                lookedUp(key, nil, at: now)
            }
        }
        let waiting = entries.compactMap { key, entry -> (MonotonicInstant, Key)? in
            guard entry.staleUntil == nil, case .waiting(let until) = entry.phase, until <= now else { return nil }
            return (until, key)
        }
        .sorted { ($0.0, $0.1.name) < ($1.0, $1.1.name) }
        for (_, key) in waiting.prefix(max(0, Self.maximumLookups - running)) {
            entries[key]?.phase = .lookingUp(until: now + Self.lookupLimit)
            actions.append(.lookUp(key))
        }
        return actions
    }

    // MARK: Answers

    /// When ``actions(at:)`` may have something to do again, if nothing happens before.
    func nextDeadline() -> MonotonicInstant? {
        let isBusy = entries.values.count(where: \.isBeingLookedUp) >= Self.maximumLookups
        return entries.values.compactMap { entry in
            switch entry.phase {
            case .lookingUp(let until): until
            // While all lookups are taken, the end of one comes first.
            case .waiting(let until): entry.staleUntil ?? (isBusy ? nil : until)
            }
        }.min()
    }

    /// IPv4 before IPv6, what works beyond one link before what does not.
    func suggestions() -> [Suggestion] {
        let found = entries.sorted { ($0.key.name, $0.key.interface) < ($1.key.name, $1.key.interface) }
            .compactMap { key, entry in entry.found.map { (key, $0) } }
            .filter { $0.1.text.id != ownID }
        let ranked = found.flatMap { key, found in
            found.addresses.map { (rank: ($0.isLinkLocal ? 2 : 0) + ($0.isIPv6 ? 1 : 0), key: key, found: found, $0) }
        }
        return (0...3).flatMap { rank in
            ranked.filter { $0.rank == rank }.compactMap { _, key, found, address in
                PeerAddress(host: address.description, port: found.port).map {
                    Suggestion(
                        address: $0, id: found.text.id, name: InstanceName.nodeName(in: key.name),
                        version: found.text.version, protocolVersion: found.text.protocolVersion)
                }
            }
        }
    }
}
