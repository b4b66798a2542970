// SPDX-License-Identifier: Apache-2.0

/// What becomes of one that comes for a place.
package enum ShareEntrance<Place: Hashable & Sendable>: Hashable, Sendable {
    case free
    /// There is room because another has to go.
    case insteadOf(Place, wasSettled: Bool)
    /// Nobody has more.
    case refused

    package var isAdmitted: Bool { self != .refused }
}

/// Divides places among parties, so that none can take them from the others: a pure value.
///
/// Whoever comes when all places are taken gets that of a party which has more of them, the oldest first. A place is a
/// newcomer's until it is settled, and newcomers can never keep others out: whoever comes takes the place of one. A settled
/// place is only taken from a party that has at least two more than the one that comes, so that parties which have about the
/// same do not take each other's, and more than there are newcomers, so that a flood of those takes nobody's. Every operation
/// takes constant time, on average.
package struct FairShare<Party: Hashable & Sendable, Place: Hashable & Sendable>: Sendable {
    package struct Limits: Hashable, Sendable {
        /// Places that there are.
        package var places: Int
        /// Those that preferred parties alone get.
        package var reserved: Int
        /// Places of one party that is not preferred.
        package var perParty: Int

        package init(places: Int, reserved: Int = 0, perParty: Int = .max) {
            self.places = places
            self.reserved = min(max(0, reserved), places)
            self.perParty = perParty
        }
    }

    package typealias Entrance = ShareEntrance<Place>

    private struct Holding: Sendable {
        let party: Party
        let isPreferred: Bool
        var isSettled = false
    }

    /// The places of the preferred, or of all others.
    private struct Tier: Sendable {
        var newcomers = FairShareLane<Party, Place>()
        var settled = FairShareLane<Party, Place>()

        var count: Int { newcomers.count + settled.count }

        func count(of party: Party) -> Int { newcomers.count(of: party) + settled.count(of: party) }

        /// What gives way to a party that has `own` places: a newcomer's, that of the greediest first; and a settled one only
        /// where one party has more of them than all newcomers together, for those may be one party under many names.
        func surplus(for own: Int) -> Entrance? {
            if settled.most > max(newcomers.count, own + 1), let greedy = settled.greediest,
                let gone = settled.oldest(of: greedy)
            {
                return .insteadOf(gone, wasSettled: true)
            }
            guard let greedy = newcomers.greediest, let gone = newcomers.oldest(of: greedy) else { return nil }
            return .insteadOf(gone, wasSettled: false)
        }
    }

    private let limits: Limits
    private var holdings: [Place: Holding] = [:]
    private var preferred = Tier()
    private var ordinary = Tier()

    package init(_ limits: Limits) { self.limits = limits }

    package var count: Int { holdings.count }

    package var places: some Sequence<Place> { holdings.keys }

    package func contains(_ place: Place) -> Bool { holdings[place] != nil }

    package func count(of party: Party) -> Int { preferred.count(of: party) + ordinary.count(of: party) }

    /// - Parameters:
    ///   - place: One that nobody has.
    ///   - isPreferred: The same for all places of a party.
    package mutating func enter(_ place: Place, of party: Party, isPreferred: Bool = false) -> Entrance {
        guard holdings[place] == nil else { return .free }
        let entrance = entrance(of: party, isPreferred: isPreferred)
        if case .insteadOf(let gone, _) = entrance { leave(gone) }
        guard entrance.isAdmitted else { return entrance }
        holdings[place] = Holding(party: party, isPreferred: isPreferred)
        change(isPreferred) { $0.newcomers.append(place, of: party) }
        return entrance
    }

    /// Whoever has the place has shown that it may be here; calling again changes nothing.
    package mutating func settle(_ place: Place) {
        guard var holding = holdings[place], !holding.isSettled else { return }
        holding.isSettled = true
        holdings[place] = holding
        change(holding.isPreferred) { tier in
            tier.newcomers.remove(place, of: holding.party)
            tier.settled.append(place, of: holding.party)
        }
    }

    /// The place is free; nothing changes if it was before.
    package mutating func leave(_ place: Place) {
        guard let holding = holdings.removeValue(forKey: place) else { return }
        change(holding.isPreferred) { tier in
            if holding.isSettled {
                tier.settled.remove(place, of: holding.party)
            } else {
                tier.newcomers.remove(place, of: holding.party)
            }
        }
    }

    private mutating func change(_ isPreferred: Bool, _ body: (inout Tier) -> Void) {
        if isPreferred { body(&preferred) } else { body(&ordinary) }
    }

    private func entrance(of party: Party, isPreferred: Bool) -> Entrance {
        if !isPreferred, ordinary.count(of: party) >= limits.perParty { return own(party, in: ordinary) }
        guard let tiers = crowded(for: isPreferred) else { return .free }
        let own = count(of: party)
        for tier in tiers {
            if let gone = tier.surplus(for: own) { return gone }
        }
        return self.own(party, in: isPreferred ? preferred : ordinary)
    }

    /// In place of one of its own.
    private func own(_ party: Party, in tier: Tier) -> Entrance {
        if let gone = tier.newcomers.oldest(of: party) { return .insteadOf(gone, wasSettled: false) }
        if let gone = tier.settled.oldest(of: party) { return .insteadOf(gone, wasSettled: true) }
        return .refused
    }

    /// Whose places are too many for one more: of the first of these one has to go, if it has one to give.
    ///
    /// - Returns: `nil` when there is room.
    private func crowded(for isPreferred: Bool) -> [Tier]? {
        if !isPreferred, ordinary.count >= limits.places - limits.reserved { return [ordinary] }
        guard count >= limits.places else { return nil }
        // Who took more than was reserved for them gives that back.
        return preferred.count >= limits.reserved ? [preferred, ordinary] : [ordinary]
    }
}
