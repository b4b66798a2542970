// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The time that a suspected member has to show itself: the longest at first, shortened logarithmically by each member that
/// confirms (Lifeguard, section IV-B).
struct Suspicion: Sendable {
    /// Natural logarithms of 1 to 9.
    private static let logarithms = [
        0, 0.693147, 1.098612, 1.386294, 1.609438, 1.791759, 1.945910, 2.079442, 2.197225,
    ]

    var startedAt: MonotonicInstant
    /// Who found it not to answer, by a probe of its own.
    private(set) var accusers: [NodeID] = []
    /// Set when nobody listens at its addresses: there is little to wait for.
    var hastyDeadline: MonotonicInstant?
    /// What was announced as the end, so that a timer that is no longer meant can be recognised.
    var deadline = MonotonicInstant(nanoseconds: .max)

    init(startedAt: MonotonicInstant) { self.startedAt = startedAt }

    /// - Returns: Whether somebody new is among them.
    mutating func add(accusers others: [NodeID]) -> Bool {
        let before = accusers.count
        for other in others where accusers.count < MemberRecord.accuserLimit && !accusers.contains(other) {
            accusers.append(other)
        }
        return accusers.count > before
    }

    /// This node's own accusation takes precedence when there is no room.
    mutating func accuse(_ own: NodeID) -> Bool {
        if accusers.contains(own) { return false }
        if accusers.count >= MemberRecord.accuserLimit { accusers.removeLast() }
        accusers.insert(own, at: 0)
        return true
    }

    mutating func withdraw(_ own: NodeID) { accusers.removeAll { $0 == own } }

    /// - Parameter others: How many members are alive and could confirm.
    func end(settings: MembershipSettings, others: Int) -> MonotonicInstant {
        let expected = min(settings.confirmations, others, Self.logarithms.count - 1)
        let regular = startedAt + Self.length(settings, expected: expected, confirmations: accusers.count - 1)
        return hastyDeadline.map { min($0, regular) } ?? regular
    }

    private static func length(_ settings: MembershipSettings, expected: Int, confirmations: Int) -> Duration {
        guard expected > 0, confirmations < expected else { return settings.suspicionMinimum }
        let part = logarithms[max(0, confirmations)] / logarithms[expected]
        let span = settings.suspicionMaximum - settings.suspicionMinimum
        return settings.suspicionMaximum - span * part
    }
}

// How members come, are suspected, and go.

extension Membership {
    mutating func setState(_ state: MemberState, of id: NodeID, now: MonotonicInstant) {
        guard let before = entries[id]?.state, before != state else { return }
        entries[id]?.state = state
        entries[id]?.since = now
        if state != .suspect { entries[id]?.suspicion = nil }
        if state != .dead { entries[id]?.isClosed = false }
        if before == .alive { aliveCount -= 1 }
        if state == .alive { aliveCount += 1 }
        if state.isPresent {
            ring.insert(id, using: &generator)
            entries[id]?.attempts = 0
        } else {
            ring.remove(id)
        }
        // With fewer who could confirm, what has been confirmed counts for more.
        if before == .alive, aliveCount < settings.confirmations { reviewSuspicions() }
    }

    mutating func noteHeard(_ id: NodeID, now: MonotonicInstant) {
        lastHeardAnyone = now
        entries[id]?.lastHeard = now
        entries[id]?.refusals = 0
        entries[id]?.refusedAt = nil
        entries[id]?.lastFailure = nil
        if let claim = entries[id]?.claim {
            entries[id]?.untold = claim
            entries[id]?.claim = nil
        }
    }

    /// The member itself said which instance it is, and how often it has contradicted.
    mutating func meet(_ id: NodeID, header: GossipPacket.Header, now: MonotonicInstant) {
        guard let entry = entries[id] else { return }
        let isNewLife = entry.instance != header.instance
        if entry.state == .left, !isNewLife, header.incarnation <= entry.incarnation {
            entries[id]?.untold = header.isLeaving ? nil : entry.record(of: id, withDeclaration: false)
            return
        }
        if let said = entry.accusation(of: id),
            said.instance == header.instance,
            said.incarnation >= header.incarnation, header.incarnation.mayLeap(to: said.incarnation)
        {
            entries[id]?.untold = said
        } else {
            entries[id]?.untold = nil
        }
        if isNewLife { beginLife(header.instance, of: id) }
        let isNews = isNewLife || entry.incarnation != header.incarnation || entry.state != .alive
        entries[id]?.incarnation = header.incarnation
        if header.declarationVersion != entries[id]?.declaration.version { entries[id]?.wantsDescription = true }
        setState(header.isLeaving ? .left : .alive, of: id, now: now)
        if header.isLeaving {
            if entry.state != .left { report(id, .left) }
            scheduleRetry(id, now: now)
        } else if entry.state == .unknown {
            report(id, .appeared)
        } else if entry.state != .alive || isNewLife {
            report(id, .returned)
        }
        if isNews { spread(id) }
        if !entry.state.isPresent, !header.isLeaving { exchangeOnReturn(of: id, now: now) }
    }

    private mutating func beginLife(_ instance: InstanceID, of id: NodeID) {
        entries[id]?.instance = instance
        entries[id]?.declaration.version = 0
        entries[id]?.wantsDescription = true
    }

    // MARK: Suspicion

    /// - Parameters:
    ///   - accusers: Who failed to reach it.
    ///   - incarnation: The one that is accused.
    mutating func suspect(_ id: NodeID, by accusers: [NodeID], incarnation: Incarnation, now: MonotonicInstant) {
        guard let state = entries[id]?.state, state.isPresent else { return }
        var isNews = incarnation > entries[id]?.incarnation ?? .last
        if isNews { entries[id]?.incarnation = incarnation }
        if state == .alive {
            entries[id]?.suspicion = Suspicion(startedAt: now)
            setState(.suspect, of: id, now: now)
            report(id, .suspected)
            isNews = true
        }
        for accuser in accusers {
            if accuser == self.id {
                if entries[id]?.suspicion?.accuse(accuser) == true { isNews = true }
            } else if entries[id]?.suspicion?.add(accusers: [accuser]) == true {
                isNews = true
            }
        }
        if isNews { spread(id) }
        reviewSuspicion(of: id)
    }

    mutating func clearSuspicion(of id: NodeID, now: MonotonicInstant) {
        guard let entry = entries[id], entry.state == .suspect else { return }
        entries[id]?.untold = entry.record(of: id, withDeclaration: false)
        setState(.alive, of: id, now: now)
        report(id, .returned)
    }

    /// Nobody listens at its addresses: little time is left.
    mutating func hastenSuspicion(of id: NodeID, now: MonotonicInstant) {
        guard entries[id]?.suspicion?.hastyDeadline == nil else { return }
        let deadline = now + settings.refusedSuspicion
        entries[id]?.suspicion?.hastyDeadline = deadline
        reviewSuspicion(of: id)
    }

    private mutating func reviewSuspicions() {
        for id in ring.ids where entries[id]?.state == .suspect { reviewSuspicion(of: id) }
    }

    mutating func reviewSuspicion(of id: NodeID) {
        guard let suspicion = entries[id]?.suspicion else { return }
        let end = suspicion.end(settings: settings, others: aliveCount)
        guard end != suspicion.deadline else { return }
        entries[id]?.suspicion?.deadline = end
        timers.add(.suspicion(id), at: end)
    }

    /// A member that only others accused is tried once more before it counts as dead.
    mutating func endSuspicion(of id: NodeID, now: MonotonicInstant) {
        guard let entry = entries[id], let suspicion = entry.suspicion else { return }
        if suspicion.accusers.contains(self.id) { return end(id, as: .dead, reason: reason(entry), now: now) }
        var claim = entry.record(of: id, withDeclaration: false)
        claim.state = .dead
        claim.accusers = []
        entries[id]?.claim = claim
        probeAtOnce(id, now: now)
    }

    private func reason(_ entry: MemberEntry) -> MemberEvent.DeathReason {
        if case .refusedByPeer(let reason) = entry.lastFailure { return .turnedAway(reason) }
        return entry.refusals >= 2 ? .refused : .silent
    }

    // MARK: The end

    mutating func end(_ id: NodeID, as state: MemberState, reason: MemberEvent.DeathReason, now: MonotonicInstant) {
        guard let before = entries[id]?.state, before != state else { return }
        entries[id]?.claim = nil
        entries[id]?.untold = nil
        setState(state, of: id, now: now)
        entries[id]?.isClosed = state == .dead && reason == .refused
        spread(id)
        if before.isPresent { report(id, state == .left ? .left : .died(reason)) }
        scheduleRetry(id, now: now)
    }

    /// Hearsay of its end was not contradicted by a probe.
    mutating func believe(_ claim: MemberRecord, now: MonotonicInstant) {
        guard let entry = entries[claim.id] else { return }
        if let instance = claim.instance, entry.instance == nil || instance > (entry.instance ?? instance) {
            entries[claim.id]?.instance = instance
            entries[claim.id]?.incarnation = claim.incarnation
        } else if claim.incarnation > entry.incarnation {
            entries[claim.id]?.incarnation = claim.incarnation
        }
        end(claim.id, as: claim.state, reason: .reported, now: now)
    }
}
