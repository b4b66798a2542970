// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How far this node doubts itself: the local health multiplier of Lifeguard (Dadgar, Phillips and Currey, "Lifeguard: SWIM-ing
/// with situational awareness", 2017, section IV-A).
///
/// Failed probes, missing answers of helpers, contradicted suspicions and late wake-ups raise it, good probes lower it. A
/// node that doubts itself waits longer before it accuses others.
package struct LocalHealth: Sendable, Hashable {
    private let limit: Int
    /// 0 when all is well.
    package private(set) var doubt = 0

    package init(limit: Int) { self.limit = max(0, limit) }

    /// The factor for intervals and timeouts, at least 1.
    package var scale: Int { doubt + 1 }

    mutating func raise() { doubt = min(doubt + 1, limit) }

    mutating func lower() { doubt = max(doubt - 1, 0) }
}

/// A probe that is under way.
struct Probe: Sendable {
    enum Stage: Sendable {
        /// The ping was sent. Leaves to `repeated` when half the timeout has passed.
        case pinged
        /// The ping was sent again. Leaves to `indirect`, or the probe fails.
        case repeated
        /// Others have been asked. The probe fails when they have found nothing either.
        case indirect
    }

    let target: NodeID
    let startedAt: MonotonicInstant
    let timeout: Duration
    var stage: Stage
    var deadline: MonotonicInstant
    var helpersAsked = 0
    var helpersHeard = 0
}

/// A probe on behalf of another member.
struct Relay: Sendable {
    let requester: NodeID
    /// The requester's number.
    let sequence: SequenceNumber
    let target: NodeID
    let deadline: MonotonicInstant
}

// How members are found to answer or not.

extension Membership {
    mutating func takeTurn(now: MonotonicInstant) {
        schedule.turn = now + settings.probeInterval * health.scale
        timers.add(.turn, at: schedule.turn)
        guard !own.hasLeft, let id = nextInTurn(now: now) else { return }
        startProbe(id, now: now)
    }

    /// In a small mesh the member that was silent for longest, so that no death stays hidden by chance; in a large one
    /// the next of the round. No member that was heard just now.
    private mutating func nextInTurn(now: MonotonicInstant) -> NodeID? {
        if ring.count <= Self.smallMesh {
            let silent = ring.ids.filter { isWorthProbing($0, now: now) }
            return silent.min { entries[$0]?.lastHeard ?? .zero < entries[$1]?.lastHeard ?? .zero }
        }
        for _ in 0..<8 {
            if let id = ring.takeNext(using: &generator), isWorthProbing(id, now: now) { return id }
        }
        return nil
    }

    private func isWorthProbing(_ id: NodeID, now: MonotonicInstant) -> Bool {
        guard let entry = entries[id], entry.probe == nil, entry.retryAt == nil else { return false }
        return entry.lastHeard.map { now - $0 >= settings.probeInterval } ?? true
    }

    /// Probes a member now, or as soon as others that cannot wait either have been probed.
    mutating func probeAtOnce(_ id: NodeID, now: MonotonicInstant) {
        guard !own.hasLeft, let entry = entries[id], entry.probe == nil else { return }
        urgent.add(id)
    }

    mutating func probeEveryone() {
        for id in ring.ids { urgent.add(id) }
        for id in entries.keys.sorted() where entries[id]?.state.isPresent == false {
            entries[id]?.attempts = 0
            urgent.add(id)
        }
    }

    mutating func startUrgentProbes() {
        guard !own.hasLeft else { return }
        while probes.count < settings.parallelProbes, let id = urgent.next() {
            if let entry = entries[id], entry.probe == nil { startProbe(id, now: time.now) }
        }
    }

    private mutating func startProbe(_ id: NodeID, now: MonotonicInstant) {
        guard let isPresent = entries[id]?.state.isPresent else { return }
        lastSequence = lastSequence.next
        let timeout = settings.probeTimeout * (isPresent ? health.scale : 1)
        // Members that are gone will be probed again anyway.
        let deadline = now + (isPresent ? timeout / 2 : timeout)
        probes[lastSequence] = Probe(
            target: id, startedAt: now, timeout: timeout, stage: isPresent ? .pinged : .repeated, deadline: deadline)
        timers.add(.probe(lastSequence), at: deadline)
        entries[id]?.probe = lastSequence
        entries[id]?.lastProbed = now
        entries[id]?.retryAt = nil
        send([.ping(lastSequence)], to: id, now: now)
    }

    /// The deadline of a probe's stage has come.
    mutating func advanceProbe(_ sequence: SequenceNumber, now: MonotonicInstant) {
        guard var probe = probes[sequence] else { return }
        switch probe.stage {
        case .pinged:
            probe.stage = .repeated
            probe.deadline = probe.startedAt + probe.timeout
            probes[sequence] = probe
            timers.add(.probe(sequence), at: probe.deadline)
            send([.ping(sequence)], to: probe.target, now: now)
        case .repeated: failDirectly(sequence, now: now)
        case .indirect: fail(sequence, now: now)
        }
    }

    /// The member itself did not answer: whether others can reach it decides, unless its end is known.
    private mutating func failDirectly(_ sequence: SequenceNumber, now: MonotonicInstant) {
        guard var probe = probes[sequence], let entry = entries[probe.target] else { return }
        let target = probe.target
        if wasHeard(entry, since: probe) { return endProbe(sequence) }
        if !entry.state.isPresent || entry.claim != nil {
            endProbe(sequence)
            if let claim = entry.claim { believe(claim, now: now) }
            if entries[target]?.state.isPresent == false { scheduleRetry(target, now: now) }
            return
        }
        let helpers = ring.draw(settings.indirectProbes, using: &generator) { [entries] in
            $0 != target && entries[$0]?.state == .alive
        }
        guard !helpers.isEmpty else { return fail(sequence, now: now) }
        probe.stage = .indirect
        probe.helpersAsked = helpers.count
        probe.deadline = max(now + probe.timeout, probe.startedAt + settings.probeInterval * health.scale)
        probes[sequence] = probe
        timers.add(.probe(sequence), at: probe.deadline)
        for helper in helpers { send([.pingRequest(sequence, target: target)], to: helper, about: [target], now: now) }
    }

    private mutating func fail(_ sequence: SequenceNumber, now: MonotonicInstant) {
        guard let probe = probes[sequence], let entry = entries[probe.target] else { return }
        endProbe(sequence)
        if wasHeard(entry, since: probe) { return }
        if let claim = entry.claim { return believe(claim, now: now) }
        if entry.state == .alive {
            // Helpers that are silent too speak against this node, not against the member (Lifeguard, section IV-A).
            if probe.helpersAsked == 0 || probe.helpersHeard < probe.helpersAsked { health.raise() }
        }
        suspect(probe.target, by: [id], incarnation: entry.incarnation, now: now)
        if let deadline = entries[probe.target]?.suspicion?.deadline, deadline <= now {
            return endSuspicion(of: probe.target, now: now)
        }
        retry(probe.target, after: settings.probeTimeout / 2, now: now)
        let heard = lastHeardAnyone ?? .zero
        if entry.state == .alive, heard < probe.startedAt, ring.count > 1 { probeEveryone() }
    }

    /// Any sign of life is as good as an acknowledgement.
    private func wasHeard(_ entry: MemberEntry, since probe: Probe) -> Bool {
        entry.state.isPresent && (entry.lastHeard.map { $0 > probe.startedAt } ?? false)
    }

    mutating func endProbe(_ sequence: SequenceNumber) {
        guard let probe = probes.removeValue(forKey: sequence) else { return }
        if entries[probe.target]?.probe == sequence { entries[probe.target]?.probe = nil }
    }

    mutating func retry(_ id: NodeID, after pause: Duration, now: MonotonicInstant) {
        entries[id]?.retryAt = now + pause
        timers.add(.retry(id), at: now + pause)
    }

    /// Tries a member that is gone again later, for ever.
    mutating func scheduleRetry(_ id: NodeID, now: MonotonicInstant) {
        guard let entry = entries[id], !entry.state.isPresent else { return }
        let pause = settings.reconnect.pause(
            attempts: entry.attempts, gone: now - entry.since, count: entries.count - ring.count, using: &generator)
        entries[id]?.attempts = min(entry.attempts + 1, 1_000)
        retry(id, after: max(pause - (now - (entry.lastProbed ?? now)), .zero), now: now)
    }
}

// MARK: Answers

extension Membership {
    mutating func acknowledged(_ sequence: SequenceNumber, by id: NodeID, now: MonotonicInstant) {
        if let relay = relays[sequence], relay.target == id {
            relays[sequence] = nil
            send([.acknowledgement(relay.sequence)], to: relay.requester, about: [id], now: now)
        }
        guard let probe = probes[sequence] else { return }
        if probe.target == id {
            health.lower()
            endProbe(sequence)
        } else if probe.stage == .indirect {
            health.lower()
            endProbe(sequence)
            helped(probe.target, now: now)
        }
    }

    /// Another member can reach it. That keeps it, but does not bring it back.
    private mutating func helped(_ id: NodeID, now: MonotonicInstant) {
        let ownID = self.id
        entries[id]?.refusals = 0
        entries[id]?.claim = nil
        guard entries[id]?.suspicion != nil else { return }
        entries[id]?.suspicion?.hastyDeadline = nil
        entries[id]?.suspicion?.withdraw(ownID)
        if entries[id]?.suspicion?.accusers.isEmpty == true {
            clearSuspicion(of: id, now: now)
        } else {
            reviewSuspicion(of: id)
            retry(id, after: settings.probeTimeout, now: now)
        }
    }

    mutating func notReachedEither(_ sequence: SequenceNumber) {
        guard let probe = probes[sequence], probe.stage == .indirect else { return }
        probes[sequence]?.helpersHeard = min(probe.helpersHeard + 1, probe.helpersAsked)
    }

    /// Pings on behalf of another member.
    mutating func help(_ requester: NodeID, sequence: SequenceNumber, target: NodeID, now: MonotonicInstant) {
        guard target != id, entries[target] != nil, relays.count < 64 else { return }
        lastSequence = lastSequence.next
        let deadline = now + settings.probeTimeout * 0.8
        relays[lastSequence] = Relay(requester: requester, sequence: sequence, target: target, deadline: deadline)
        timers.add(.relay(lastSequence), at: deadline)
        send([.ping(lastSequence)], to: target, now: now)
    }

    mutating func refuseRelay(_ sequence: SequenceNumber, now: MonotonicInstant) {
        guard let relay = relays.removeValue(forKey: sequence) else { return }
        send([.negative(relay.sequence)], to: relay.requester, now: now)
    }

    /// A packet could not be exchanged with a member.
    package mutating func sendFailed(to id: NodeID, _ failure: GossipError, now: MonotonicInstant) -> [MembershipAction]
    {
        let now = pass(to: now)
        guard entries[id] != nil else { return takeActions() }
        entries[id]?.lastFailure = failure
        if failure != .timeout {
            for (sequence, relay) in relays where relay.target == id { refuseRelay(sequence, now: now) }
        }
        if failure == .refused, entries[id]?.state.isPresent == true {
            refused(id, now: now)
        } else if let sequence = entries[id]?.probe {
            if failure != .timeout, probes[sequence]?.stage != .indirect { failDirectly(sequence, now: now) }
        } else if entries[id]?.state == .alive, entries[id]?.retryAt == nil {
            probeAtOnce(id, now: now)
        }
        return takeActions()
    }

    private mutating func refused(_ id: NodeID, now: MonotonicInstant) {
        guard let entry = entries[id] else { return }
        // Two packets that were under way together are one refusal.
        if let last = entry.refusedAt, now - last < settings.refusedPause / 2 { return }
        entries[id]?.refusals = min(entry.refusals + 1, 1_000)
        entries[id]?.refusedAt = now
        let isDirect = entry.probe.map { probes[$0]?.stage != .indirect } ?? false
        if entry.claim != nil, let sequence = entry.probe { return failDirectly(sequence, now: now) }
        if entry.refusals == 0 {
            if let sequence = entry.probe, isDirect { endProbe(sequence) }
            return retry(id, after: settings.refusedPause, now: now)
        }
        suspect(id, by: [self.id], incarnation: entry.incarnation, now: now)
        hastenSuspicion(of: id, now: now)
        if let sequence = entry.probe, isDirect { failDirectly(sequence, now: now) }
    }
}
