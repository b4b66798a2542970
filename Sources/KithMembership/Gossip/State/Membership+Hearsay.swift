// SPDX-License-Identifier: Apache-2.0

import KithModel

// What others say of members, and what of it is believed.

extension Membership {
    mutating func hear(_ record: MemberRecord, from sender: NodeID, now: Moment) {
        if record.id == id { return hearOfMyself(record) }
        guard entries[record.id] != nil else { return }
        if record.id == sender { return hearOwnWord(record) }
        switch record.state {
        case .unknown: break
        case .alive: hearAlive(record, now: now)
        case .suspect: hearSuspected(record, now: now)
        case .dead, .left: hearGone(record, now: now)
        }
        hearDeclaration(record, leap: Declaration.believableLeap)
    }

    /// Contradicts by a higher incarnation.
    private mutating func hearOfMyself(_ record: MemberRecord) {
        guard !own.hasLeft, record.state != .alive, record.state != .unknown, record.instance == own.instance,
            record.incarnation >= own.incarnation
        else { return }
        // Nobody but this node raises its incarnation: one far ahead is made up, and is not followed all the way.
        own.incarnation = own.incarnation.approaching(record.incarnation).next
        health.raise()
        spread(id)
    }

    /// A member's word on itself counts, also when hearsay had run ahead of it.
    private mutating func hearOwnWord(_ record: MemberRecord) {
        guard entries[record.id]?.instance == record.instance else { return }
        if let declaration = record.declaration, declaration.version != entries[record.id]?.declaration.version {
            take(declaration, of: record.id)
        }
        if entries[record.id]?.declaration.version == record.declarationVersion {
            entries[record.id]?.wantsDescription = false
        }
    }

    private mutating func hearDeclaration(_ record: MemberRecord, leap: UInt64) {
        guard let declaration = record.declaration, let entry = entries[record.id], record.instance == entry.instance,
            entry.instance != nil, declaration.version > entry.declaration.version,
            declaration.version &- entry.declaration.version <= leap
        else { return }
        take(declaration, of: record.id)
    }

    private mutating func take(_ declaration: Declaration, of id: NodeID) {
        guard let before = entries[id]?.declaration else { return }
        entries[id]?.declaration = declaration
        spread(id)
        if before.payload != declaration.payload { report(id, .payloadChanged) }
        if before.addresses != declaration.addresses { report(id, .addressesChanged) }
    }

    private mutating func hearAlive(_ record: MemberRecord, now: Moment) {
        guard let entry = entries[record.id], let instance = record.instance else { return }
        let isThisLife = instance == entry.instance
        if entry.state.isPresent, isThisLife {
            guard record.incarnation > entry.incarnation, entry.incarnation.mayLeap(to: record.incarnation) else {
                return
            }
            entries[record.id]?.incarnation = record.incarnation
            if entry.state == .suspect {
                setState(.alive, of: record.id, now: now)
                report(record.id, .returned)
            }
            spread(record.id)
        } else if entry.instance.map({ $0 < instance }) ?? true || isThisLife && record.incarnation >= entry.incarnation
        {
            verify(record.id, now: now)
        }
    }

    /// Only direct contact brings a member back, or into a new life: it is tried at once.
    private mutating func verify(_ id: NodeID, now: Moment) {
        if let last = entries[id]?.lastProbed, now - last < settings.probeInterval { return }
        probeAtOnce(id, now: now)
    }

    private mutating func hearSuspected(_ record: MemberRecord, now: Moment) {
        guard let entry = entries[record.id], entry.state.isPresent, let instance = record.instance else { return }
        guard instance == entry.instance else {
            if instance > entry.instance ?? instance { verify(record.id, now: now) }
            return
        }
        guard record.incarnation >= entry.incarnation else { return }
        guard entry.incarnation.mayLeap(to: record.incarnation) else { return verify(record.id, now: now) }
        if entry.state == .alive, isHeardWell(entry, now: now) {
            entries[record.id]?.untold = record
            return verify(record.id, now: now)
        }
        let accusers = record.accusers.filter { $0 != id && $0 != record.id }
        suspect(record.id, by: accusers, incarnation: record.incarnation, now: now)
        // Some look for themselves, so that a small mesh need not wait for its turns; how many does not grow with the mesh.
        if entry.state == .alive, Int.random(in: 0..<max(16, entries.count), using: &generator) < 16 {
            probeAtOnce(record.id, now: now)
        }
    }

    private func isHeardWell(_ entry: MemberEntry, now: Moment) -> Bool {
        entry.lastHeard.map { now - $0 < settings.probeInterval + settings.probeTimeout } ?? false
    }

    /// Believed if a probe of its own fails too, or has just failed.
    private mutating func hearGone(_ record: MemberRecord, now: Moment) {
        guard let entry = entries[record.id], let instance = record.instance else { return }
        let isThisLife = instance == entry.instance
        let isLater = entry.instance.map { instance > $0 } ?? true
        guard isLater || isThisLife && record.incarnation >= entry.incarnation else { return }
        guard isLater || entry.incarnation.mayLeap(to: record.incarnation) else { return verify(record.id, now: now) }
        guard entry.state.isPresent else { return hearGoneOfGone(record, now: now) }
        if entry.suspicion?.accusers.contains(id) == true, !isLater { return believe(record, now: now) }
        var claim = record
        claim.accusers = []
        claim.declaration = nil
        entries[record.id]?.claim = claim
        if entry.probe == nil { probeAtOnce(record.id, now: now) }
    }

    private mutating func hearGoneOfGone(_ record: MemberRecord, now: Moment) {
        guard let entry = entries[record.id] else { return }
        let isNewLife = record.instance != entry.instance
        entries[record.id]?.instance = record.instance
        entries[record.id]?.incarnation = record.incarnation
        if isNewLife { entries[record.id]?.declaration.version = 0 }
        if isNewLife || entry.state == .unknown || record.state == .left {
            setState(record.state, of: record.id, now: now)
        }
        if isNewLife || entry.state != entries[record.id]?.state { spread(record.id) }
    }
}
