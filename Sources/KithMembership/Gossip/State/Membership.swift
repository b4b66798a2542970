// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What the value asks its shell to do.
package enum MembershipAction: Sendable, Hashable {
    /// Send as a request of its own; what comes back within the timeout is to be handed in as a response.
    case send(GossipPacket, to: NodeID, timeout: Duration)
    /// Send as the response to the request that was handed in; at most one for each.
    case reply(GossipPacket)
    case changed(MemberEvent)
    /// Two copies of a node are running; at most once a minute for each pair.
    case cloned(CloneSighting)
}

/// Which members are alive: SWIM (Das, Gupta and Motivala, DSN 2002) with Lifeguard (Dadgar, Phillips and Currey, 2017),
/// as a pure value.
///
/// It is told what happens and what time it is, and returns what is to be done. Members are the trusted nodes, no others.
/// A member is declared dead only after this node itself failed to reach it, and comes back only by direct contact. What
/// deviates from the papers, and why, is in `docs/decisions/0007-membership.md`.
package struct Membership: Sendable {
    enum Timer: Sendable {
        case turn, gossip, exchange, declaration
        case probe(SequenceNumber)
        case relay(SequenceNumber)
        case suspicion(NodeID)
        case retry(NodeID)
    }

    /// When each of the timers that exist once is due.
    struct Schedule: Sendable {
        var turn: MonotonicInstant
        var gossip: MonotonicInstant?
        var exchange: MonotonicInstant
        var declaration: MonotonicInstant?
        var lastExchange: MonotonicInstant?
    }

    /// More trusted nodes than this are not watched.
    package static let memberLimit = 1_024

    /// Up to this size each member can afford to look at all others.
    static let smallMesh = 16

    package let id: NodeID
    let settings: MembershipSettings
    var own: LocalMember
    var entries: [NodeID: MemberEntry] = [:]
    var ring = ProbeRing()
    /// How many are alive and not suspected.
    var aliveCount = 0
    var rumours = DisseminationQueue()
    var probes: [SequenceNumber: Probe] = [:]
    var relays: [SequenceNumber: Relay] = [:]
    var urgent = UrgentProbes()
    var timers = DeadlineQueue<Timer>()
    var schedule: Schedule
    var health: LocalHealth
    var time: WakingTime
    var lastHeardAnyone: MonotonicInstant?
    var lastSequence = SequenceNumber(number: 0)
    var clones = CloneReportThrottle()
    var generator: any RandomNumberGenerator & Sendable
    var actions: [MembershipAction] = []
    /// What the response to the request that is being handled says; `nil` outside of requests.
    var replyMessages: [GossipMessage]?

    package init(
        id: NodeID, instance: InstanceID, settings: MembershipSettings = .lan, payload: [UInt8] = [],
        addresses: [PeerAddress] = [], now: MonotonicInstant,
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.id = id
        self.settings = settings
        self.generator = generator
        let declaration = NodeMetadata(
            version: 1, payload: Array(payload.prefix(NodeMetadata.payloadLimit)),
            addresses: Array(addresses.prefix(NodeMetadata.addressLimit)))
        own = LocalMember(instance: instance, declaration: declaration)
        health = LocalHealth(limit: settings.healthLimit)
        time = WakingTime(startingAt: now)
        schedule = Schedule(turn: now, exchange: now)
        schedule.turn = now + settings.probeInterval * Double.random(in: 0...1, using: &self.generator)
        schedule.exchange = now + settings.exchangeInterval * Double.random(in: 0.5...1, using: &self.generator)
        timers.add(.turn, at: schedule.turn)
        timers.add(.exchange, at: schedule.exchange)
    }

    /// When ``tick(now:)`` is to be called next, if nothing else happens before.
    package var nextWakeUp: MonotonicInstant { time.outside(timers.earliest ?? MonotonicInstant(nanoseconds: .max)) }

    /// How far this node doubts itself; 0 when all is well.
    package var doubt: Int { health.doubt }

    package var instance: InstanceID { own.instance }
    package var incarnation: Incarnation { own.incarnation }

    /// All trusted nodes, in the order of their ids.
    package var members: [Member] { entries.keys.sorted().compactMap { member($0) } }

    package func member(_ id: NodeID) -> Member? {
        entries[id].map { entry in
            Member(
                id: id, state: entry.state, instance: entry.instance, incarnation: entry.incarnation,
                payload: entry.declaration.payload, addresses: entry.declaration.addresses,
                since: time.outside(entry.since), lastHeard: entry.lastHeard.map(time.outside),
                roundTrip: entry.roundTrip, lastFailure: entry.lastFailure)
        }
    }
}

// MARK: Time

extension Membership {
    /// Does what is due.
    package mutating func tick(now: MonotonicInstant) -> [MembershipAction] {
        let now = pass(to: now)
        while let due = timers.popDue(now) { handle(due.key, at: due.deadline, now: now) }
        return takeActions()
    }

    private mutating func handle(_ timer: Timer, at deadline: MonotonicInstant, now: MonotonicInstant) {
        guard isMeant(timer, deadline) else { return }
        switch timer {
        case .turn: takeTurn(now: now)
        case .gossip: gossip(now: now)
        case .exchange: exchangeInTurn(now: now)
        case .declaration: declarePending(now: now)
        case .probe(let sequence): advanceProbe(sequence, now: now)
        case .relay(let sequence): refuseRelay(sequence, now: now)
        case .suspicion(let id): endSuspicion(of: id, now: now)
        case .retry(let id):
            entries[id]?.retryAt = nil
            probeAtOnce(id, now: now)
        }
    }

    private func isMeant(_ timer: Timer, _ deadline: MonotonicInstant) -> Bool {
        switch timer {
        case .turn: schedule.turn == deadline
        case .gossip: schedule.gossip == deadline
        case .exchange: schedule.exchange == deadline
        case .declaration: schedule.declaration == deadline
        case .probe(let sequence): probes[sequence]?.deadline == deadline
        case .relay(let sequence): relays[sequence]?.deadline == deadline
        case .suspicion(let id): entries[id]?.suspicion?.deadline == deadline
        case .retry(let id): entries[id]?.retryAt == deadline
        }
    }

    /// Timers of what has ended meanwhile wake nobody: most probes are answered long before. Many of them are dropped
    /// together, so that no flood of hearsay fills the memory.
    private mutating func dropStaleTimers() {
        var kept = timers
        timers = DeadlineQueue()  // so that there is one of them, and nothing is copied
        kept.dropEarliest { isMeant($0, $1) }
        if kept.count > 1_024 + 16 * entries.count { kept.keep { isMeant($0, $1) } }
        timers = kept
    }

    /// Every entry point begins with this.
    ///
    /// - Returns: The time that this node lived through.
    mutating func pass(to outside: MonotonicInstant) -> MonotonicInstant {
        let stopped = time.pass(
            to: outside, expected: max(time.now, timers.earliest ?? time.now), tolerance: settings.latenessTolerance)
        if stopped >= settings.probeTimeout { health.raise() }
        if stopped >= settings.longStop { wake(now: time.now) }
        return time.now
    }

    /// Every entry point ends with this.
    mutating func takeActions() -> [MembershipAction] {
        startUrgentProbes()
        armGossip()
        dropStaleTimers()
        defer { actions = [] }
        return actions
    }

    mutating func report(_ id: NodeID, _ kind: MemberEvent.Kind) {
        actions.append(.changed(MemberEvent(id: id, kind: kind)))
    }
}

// MARK: Events

extension Membership {
    /// Sets which nodes may be members. Others are forgotten at once.
    package mutating func setTrusted(_ trusted: Set<NodeID>, now: MonotonicInstant) -> [MembershipAction] {
        let now = pass(to: now)
        let wanted = Set(trusted.subtracting([id]).sorted().prefix(Self.memberLimit))
        for id in entries.keys where !wanted.contains(id) { forget(id, now: now) }
        for id in wanted.sorted() where entries[id] == nil {
            entries[id] = MemberEntry(since: now)
            probeAtOnce(id, now: now)
        }
        return takeActions()
    }

    private mutating func forget(_ id: NodeID, now: MonotonicInstant) {
        if let sequence = entries[id]?.probe { probes[sequence] = nil }
        for (sequence, relay) in relays where relay.target == id || relay.requester == id { relays[sequence] = nil }
        setState(.unknown, of: id, now: now)
        entries[id] = nil
        rumours.remove(id)
        report(id, .removed)
    }

    /// Any authenticated traffic came from a member, such as a served token or an empty response.
    package mutating func contact(from id: NodeID, now: MonotonicInstant) -> [MembershipAction] {
        let now = pass(to: now)
        guard let entry = entries[id] else { return takeActions() }
        if entry.state == .alive {
            noteHeard(id, now: now)
        } else if entry.state == .suspect {
            noteHeard(id, now: now)
            clearSuspicion(of: id, now: now)
            probeAtOnce(id, now: now)
        } else if now - (entry.lastProbed ?? .zero) > settings.probeTimeout {
            probeAtOnce(id, now: now)
        }
        return takeActions()
    }

    /// An established channel to a member broke.
    package mutating func connectionLost(to id: NodeID, now: MonotonicInstant) -> [MembershipAction] {
        let now = pass(to: now)
        if entries[id]?.state.isPresent == true { probeAtOnce(id, now: now) }
        return takeActions()
    }

    /// There is a new place to look for a member.
    package mutating func addressesSuggested(for id: NodeID, now: MonotonicInstant) -> [MembershipAction] {
        let now = pass(to: now)
        if let entry = entries[id], !entry.state.isPresent {
            entries[id]?.attempts = 0
            probeAtOnce(id, now: now)
        }
        return takeActions()
    }

    /// An exchange with a member took this long.
    package mutating func measured(_ roundTrip: Duration, with id: NodeID) {
        guard roundTrip >= .zero, let entry = entries[id] else { return }
        entries[id]?.roundTrip = (entry.roundTrip ?? roundTrip) * 0.8 + roundTrip * 0.2
    }
}

// What this node does and says of itself.

extension Membership {
    /// Tells the others, at most once in ``MembershipSettings/declarationInterval`` while it keeps changing.
    ///
    /// - Returns: `nil` when the payload is longer than ``NodeMetadata/payloadLimit``; it is not taken then.
    package mutating func setPayload(_ payload: [UInt8], now: MonotonicInstant) -> [MembershipAction]? {
        let now = pass(to: now)
        guard payload.count <= NodeMetadata.payloadLimit else { return nil }
        var wanted = own.pending ?? own.declaration
        wanted.payload = payload
        declare(wanted, now: now)
        return takeActions()
    }

    /// - Parameter addresses: The most useful first; those beyond ``NodeMetadata/addressLimit`` are left out.
    package mutating func setAddresses(_ addresses: [PeerAddress], now: MonotonicInstant) -> [MembershipAction] {
        let now = pass(to: now)
        var wanted = own.pending ?? own.declaration
        wanted.addresses = Array(addresses.prefix(NodeMetadata.addressLimit))
        declare(wanted, now: now)
        return takeActions()
    }

    private mutating func declare(_ wanted: NodeMetadata, now: MonotonicInstant) {
        guard wanted.payload != own.declaration.payload || wanted.addresses != own.declaration.addresses else {
            own.pending = nil
            return
        }
        own.pending = wanted
        // All declarations together then take about the same share of the network in a mesh of any size.
        let pause = max(settings.declarationInterval, .milliseconds(50) * entries.count)
        let due = own.declaredAt.map { $0 + pause } ?? now
        if due <= now { return declarePending(now: now) }
        guard schedule.declaration == nil else { return }
        schedule.declaration = due
        timers.add(.declaration, at: due)
    }

    mutating func declarePending(now: MonotonicInstant) {
        schedule.declaration = nil
        guard var declaration = own.pending else { return }
        own.pending = nil
        declaration.version = own.declaration.version &+ 1
        own.declaration = declaration
        own.declaredAt = now
        spread(id)
    }

    /// Says goodbye: the others do not suspect a member that left. Later requests are answered, but nothing is begun.
    package mutating func leave(now: MonotonicInstant) -> [MembershipAction] {
        let now = pass(to: now)
        guard !own.hasLeft else { return takeActions() }
        // What was declared last goes with the goodbye: there is no later moment for it.
        declarePending(now: now)
        own.hasLeft = true
        own.incarnation = own.incarnation.next
        probes = [:]
        relays = [:]
        for id in entries.keys {
            entries[id]?.probe = nil
            entries[id]?.retryAt = nil
        }
        let told = ring.ids.shuffled(using: &generator).prefix(settings.goodbyeFanout)
        for id in told {
            let packet = GossipPacket(header: own.header, records: [own.record(of: self.id, withDeclaration: true)])
            actions.append(.send(packet, to: id, timeout: settings.probeTimeout))
        }
        return takeActions()
    }

    /// Whether it has said goodbye, and not come back since.
    package var hasLeft: Bool { own.hasLeft }

    /// The machine slept, as far as the shell can tell; also undoes ``leave(now:)``.
    package mutating func woke(now: MonotonicInstant) -> [MembershipAction] {
        wake(now: pass(to: now))
        return takeActions()
    }

    /// An interface came or went, or got another address.
    package mutating func networkChanged(now: MonotonicInstant) -> [MembershipAction] {
        startAfresh(now: pass(to: now))
        return takeActions()
    }

    mutating func wake(now: MonotonicInstant) {
        if own.hasLeft {
            own.hasLeft = false
            own.incarnation = own.incarnation.next
            spread(id)
        }
        startAfresh(now: now)
    }

    /// Ignores what was under way, and probes every member.
    private mutating func startAfresh(now: MonotonicInstant) {
        for sequence in Array(probes.keys) { endProbe(sequence) }
        relays = [:]
        for id in entries.keys.sorted() {
            entries[id]?.claim = nil
            entries[id]?.refusals = 0
            guard entries[id]?.suspicion != nil else { continue }
            entries[id]?.suspicion?.startedAt = now
            entries[id]?.suspicion?.hastyDeadline = nil
            reviewSuspicion(of: id)
        }
        probeEveryone()
    }
}
