// SPDX-License-Identifier: Apache-2.0

package import KithModel

// Packets that come in.

extension Membership {
    /// How a packet came.
    package enum Arrival: Sendable, Hashable {
        /// It may be answered: with at most one `MembershipAction.reply(_:)`.
        case request
        case response
    }

    /// - Parameter sender: Proved by the channel.
    package mutating func received(
        _ packet: GossipPacket, from sender: NodeID, as arrival: Arrival, now: MonotonicInstant
    ) -> [MembershipAction] {
        let now = pass(to: now)
        if sender == id {
            meetMyself(packet.header, as: arrival, now: now)
            return takeActions()
        }
        guard let entry = entries[sender] else { return takeActions() }
        replyMessages = []
        switch entries[sender]?.lives.hear(packet.header.instance, now: now) {
        case .late, nil:
            replyMessages = nil
            return takeActions()
        case .current: meetHeard(sender, packet.header, as: arrival, now: now)
        case .copyTakesOver(let other):
            noteCopies(sender, packet.header.instance, other, now: now)
            meetHeard(sender, packet.header, as: arrival, now: now)
        case .copy(let other): noteCopies(sender, packet.header.instance, other, now: now)
        }
        for record in packet.records.prefix(GossipPacket.recordLimit) { hear(record, from: sender, now: now) }
        var differing: [MemberRecord] = []
        let mayAsk =
            arrival == .request || packet.messages.allSatisfy(\.isAnswer) || mayFollowUp(sender, now: now)
        for message in packet.messages.prefix(GossipPacket.messageLimit) where mayAsk || message.isAnswer {
            if message == .digest, differing.isEmpty { differing = differences(from: packet, sender: sender) }
            handle(message, of: packet, from: sender, now: now)
        }
        answer(sender, as: arrival, with: differing, wasPresent: entry.state.isPresent, now: now)
        return takeActions()
    }

    /// Whether a response may lead to one more packet to its sender; else the two could keep each other busy for ever.
    private mutating func mayFollowUp(_ sender: NodeID, now: MonotonicInstant) -> Bool {
        if let last = entries[sender]?.followedUpAt, now - last < settings.gossipInterval { return false }
        entries[sender]?.followedUpAt = now
        return true
    }

    private mutating func meetHeard(
        _ sender: NodeID, _ header: GossipPacket.Header, as arrival: Arrival, now: MonotonicInstant
    ) {
        noteHeard(sender, now: now)
        // A node that runs and is not open to others: its word would bring it back each second, and no packet gets there. It is
        // tried as one that is gone, and comes back when it answers, or begins anew.
        if let entry = entries[sender], entry.isClosed, arrival == .request, entry.instance == header.instance,
            !header.isLeaving
        {
            entries[sender]?.incarnation = header.incarnation
            if header.declarationVersion != entry.declaration.version { entries[sender]?.wantsDescription = true }
            return
        }
        meet(sender, header: header, now: now)
    }

    private mutating func handle(
        _ message: GossipMessage, of packet: GossipPacket, from sender: NodeID, now: MonotonicInstant
    ) {
        switch message {
        case .ping(let sequence): replyMessages?.append(.acknowledgement(sequence))
        case .acknowledgement(let sequence): acknowledged(sequence, by: sender, now: now)
        case .negative(let sequence): notReachedEither(sequence)
        case .pingRequest(let sequence, let target): help(sender, sequence: sequence, target: target, now: now)
        case .describeYourself: replyMessages?.append(.describeYourself)
        case .digest: if replyMessages?.contains(.differences) == false { replyMessages?.append(.differences) }
        case .differences: complete(packet, for: sender, now: now)
        case .cloneNotice(let sighting): heed(sighting, now: now)
        }
    }

    /// Sends back what was asked for, and what the sender should know of itself, if there is anything.
    private mutating func answer(
        _ sender: NodeID, as arrival: Arrival, with differing: [MemberRecord], wasPresent: Bool, now: MonotonicInstant
    ) {
        var messages = replyMessages ?? []
        replyMessages = nil
        let describes = messages.contains(.describeYourself)
        messages.removeAll { $0 == .describeYourself }
        guard let entry = entries[sender] else { return }
        let isAccused = arrival == .request && (entry.accusation(of: sender) != nil || entry.copyNotice != nil)
        guard describes || isAccused || !messages.isEmpty else { return }
        var reply = packet(for: sender, messages: messages, about: describes ? [id] : [], now: now)
        reply.records.append(contentsOf: differing)
        switch arrival {
        case .request: actions.append(.reply(reply))
        case .response: actions.append(.send(reply, to: sender, timeout: settings.answerTimeout))
        }
    }

    // MARK: Copies

    private mutating func noteCopies(_ id: NodeID, _ one: InstanceID, _ other: InstanceID, now: MonotonicInstant) {
        lastHeardAnyone = now
        entries[id]?.lastHeard = now
        guard let sighting = CloneSighting(id: id, one, other) else { return }
        entries[id]?.copyNotice = (sighting, now + CloneReportThrottle.pause)
        if clones.mayReport(sighting, now: now) { actions.append(.cloned(sighting)) }
    }

    /// A packet under this node's own name comes from a copy, or from this node itself.
    private mutating func meetMyself(_ header: GossipPacket.Header, as arrival: Arrival, now: MonotonicInstant) {
        guard let sighting = CloneSighting(id: id, header.instance, own.instance) else { return }
        if clones.mayReport(sighting, now: now) { actions.append(.cloned(sighting)) }
        if arrival == .request {
            actions.append(.reply(GossipPacket(header: own.header, messages: [.cloneNotice(sighting)])))
        }
    }

    private mutating func heed(_ sighting: CloneSighting, now: MonotonicInstant) {
        guard sighting.id == id, sighting.involves(own.instance), clones.mayReport(sighting, now: now) else { return }
        actions.append(.cloned(sighting))
    }
}

// What others say about members, and which of it is believed.

extension Membership {
    mutating func hear(_ record: MemberRecord, from sender: NodeID, now: MonotonicInstant) {
        if record.id == id { return hearOfMyself(record) }
        guard entries[record.id] != nil else { return }
        if record.id == sender { return hearOwnWord(record) }
        switch record.state {
        case .unknown: break
        case .alive: hearAlive(record, now: now)
        case .suspect: hearSuspected(record, now: now)
        case .dead, .left: hearGone(record, now: now)
        }
        hearDeclaration(record, leap: NodeMetadata.believableLeap)
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

    /// What a member says about itself counts, even if hearsay was ahead of it.
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

    private mutating func take(_ declaration: NodeMetadata, of id: NodeID) {
        guard let before = entries[id]?.declaration else { return }
        entries[id]?.declaration = declaration
        spread(id)
        if before.payload != declaration.payload { report(id, .payloadChanged) }
        if before.addresses != declaration.addresses { report(id, .addressesChanged) }
    }

    private mutating func hearAlive(_ record: MemberRecord, now: MonotonicInstant) {
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

    /// Only direct contact brings a member back, or as a new instance: it is tried at once.
    private mutating func verify(_ id: NodeID, now: MonotonicInstant) {
        if let last = entries[id]?.lastProbed, now - last < settings.probeInterval { return }
        probeAtOnce(id, now: now)
    }

    private mutating func hearSuspected(_ record: MemberRecord, now: MonotonicInstant) {
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
        // Some probe it themselves, so that a small mesh need not wait for its turns; how many does not grow with the mesh.
        if entry.state == .alive,
            Int.random(in: 0..<max(Self.smallMesh, entries.count), using: &generator) < Self.smallMesh
        {
            probeAtOnce(record.id, now: now)
        }
    }

    private func isHeardWell(_ entry: MemberEntry, now: MonotonicInstant) -> Bool {
        entry.lastHeard.map { now - $0 < settings.probeInterval + settings.probeTimeout } ?? false
    }

    /// Believed if this node's own probe fails too, or has just failed.
    private mutating func hearGone(_ record: MemberRecord, now: MonotonicInstant) {
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

    private mutating func hearGoneOfGone(_ record: MemberRecord, now: MonotonicInstant) {
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
