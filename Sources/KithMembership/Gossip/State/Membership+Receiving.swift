// SPDX-License-Identifier: Apache-2.0

package import KithModel

// Packets that come in.

extension Membership {
    /// How a packet came.
    package enum Arrival: Sendable, Hashable {
        /// It may be answered: with at most one ``MembershipAction/reply(_:)``.
        case request
        case response
    }

    /// - Parameter sender: Proved by the channel.
    package mutating func received(
        _ packet: GossipPacket, from sender: NodeID, as arrival: Arrival, now: Moment
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
        case .current: meetHeard(sender, packet.header, now: now)
        case .copyTakesOver(let other):
            noteCopies(sender, packet.header.instance, other, now: now)
            meetHeard(sender, packet.header, now: now)
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
    private mutating func mayFollowUp(_ sender: NodeID, now: Moment) -> Bool {
        if let last = entries[sender]?.followedUpAt, now - last < settings.gossipInterval { return false }
        entries[sender]?.followedUpAt = now
        return true
    }

    private mutating func meetHeard(_ sender: NodeID, _ header: GossipPacket.Header, now: Moment) {
        noteHeard(sender, now: now)
        meet(sender, header: header, now: now)
    }

    private mutating func handle(_ message: GossipMessage, of packet: GossipPacket, from sender: NodeID, now: Moment) {
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
        _ sender: NodeID, as arrival: Arrival, with differing: [MemberRecord], wasPresent: Bool, now: Moment
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

    private mutating func noteCopies(_ id: NodeID, _ one: InstanceID, _ other: InstanceID, now: Moment) {
        lastHeardAnyone = now
        entries[id]?.lastHeard = now
        guard let sighting = CloneSighting(id: id, one, other) else { return }
        entries[id]?.copyNotice = (sighting, now + CloneLedger.pause)
        if clones.mayReport(sighting, now: now) { actions.append(.cloned(sighting)) }
    }

    /// A packet under this node's own name comes from a copy, or from this node itself.
    private mutating func meetMyself(_ header: GossipPacket.Header, as arrival: Arrival, now: Moment) {
        guard let sighting = CloneSighting(id: id, header.instance, own.instance) else { return }
        if clones.mayReport(sighting, now: now) { actions.append(.cloned(sighting)) }
        if arrival == .request {
            actions.append(.reply(GossipPacket(header: own.header, messages: [.cloneNotice(sighting)])))
        }
    }

    private mutating func heed(_ sighting: CloneSighting, now: Moment) {
        guard sighting.id == id, sighting.involves(own.instance), clones.mayReport(sighting, now: now) else { return }
        actions.append(.cloned(sighting))
    }
}
