// SPDX-License-Identifier: Apache-2.0

import KithModel

// What is told, to whom and when.

extension Membership {
    /// There is news about a member.
    mutating func spread(_ id: NodeID) {
        guard id != self.id else { return rumours.add(id, size: record(of: id).encodedSizeBound) }
        guard let entry = entries[id] else { return }
        rumours.add(id, size: entry.record(of: id, withDeclaration: true).encodedSizeBound)
    }

    private func record(of id: NodeID) -> MemberRecord {
        guard id != self.id, let entry = entries[id] else { return own.record(of: self.id, withDeclaration: true) }
        return entry.record(of: id, withDeclaration: true)
    }

    /// How often a rumour is told: it grows with the logarithm of the size of the mesh. With few others, hardly more often than
    /// there are others: an exchange that fails is noticed, and what is missing is asked for.
    private var rumourLimit: Int {
        var digits = 1
        var size = entries.count + 1
        while size >= 10 {
            size /= 10
            digits += 1
        }
        return min(settings.rumourFactor * digits, ring.count + 1)
    }

    mutating func armGossip() {
        guard schedule.gossip == nil, !rumours.isEmpty, ring.count > 0, !own.hasLeft else { return }
        let due = time.now + settings.gossipInterval
        schedule.gossip = due
        timers.add(.gossip, at: due)
    }

    mutating func gossip(now: MonotonicInstant) {
        schedule.gossip = nil
        guard !own.hasLeft else { return }
        for id in ring.draw(settings.gossipFanout, using: &generator, where: { _ in true }) {
            guard !rumours.isEmpty else { return }
            send([], to: id, now: now)
        }
    }

    // MARK: Comparing all that is known

    mutating func exchangeInTurn(now: MonotonicInstant) {
        schedule.exchange = now + settings.exchangeInterval * Double.random(in: 0.9...1.1, using: &generator)
        timers.add(.exchange, at: schedule.exchange)
        guard !own.hasLeft else { return }
        if let id = ring.draw(1, using: &generator, where: { _ in true }).first { exchange(with: id, now: now) }
    }

    /// A member that was away may have met others meanwhile, and so may this node.
    mutating func exchangeOnReturn(of id: NodeID, now: MonotonicInstant) {
        if let last = schedule.lastExchange, now - last < settings.probeInterval { return }
        exchange(with: id, now: now)
    }

    private mutating func exchange(with id: NodeID, now: MonotonicInstant) {
        schedule.lastExchange = now
        var packet = GossipPacket(header: own.header, messages: [.digest])
        packet.records.append(own.record(of: self.id, withDeclaration: true))
        if let accusation = entries[id]?.accusation(of: id) { packet.records.append(accusation) }
        var others = entries.keys.filter { $0 != id && entries[$0]?.instance != nil }
        if others.count > GossipPacket.recordLimit - 2 { others.shuffle(using: &generator) }
        for other in others.prefix(GossipPacket.recordLimit - 2) {
            if let record = entries[other]?.record(of: other, withDeclaration: false) { packet.records.append(record) }
        }
        actions.append(.send(packet, to: id, timeout: settings.answerTimeout))
    }

    /// Answers a digest with the records in which it differs from what this node holds.
    func differences(from packet: GossipPacket, sender: NodeID) -> [MemberRecord] {
        var differing: [MemberRecord] = []
        var room = GossipPacket.byteLimit / 2
        var mentioned: Set<NodeID> = [sender, id]
        for theirs in packet.records where mentioned.insert(theirs.id).inserted {
            guard let entry = entries[theirs.id] else { continue }
            let known = entry.record(of: theirs.id, withDeclaration: false)
            if known.isNews(to: theirs) || known.state == .alive && !theirs.state.isPresent {
                append(entry.record(of: theirs.id, withDeclaration: true), to: &differing, room: &room)
            } else if theirs.instance == known.instance, theirs.declarationVersion > known.declarationVersion {
                append(known, to: &differing, room: &room)
            }
        }
        for (other, entry) in entries where entry.instance != nil && !mentioned.contains(other) {
            append(entry.record(of: other, withDeclaration: true), to: &differing, room: &room)
        }
        return differing
    }

    /// Sends in full the members of which the sender of differences holds an older declaration.
    mutating func complete(_ packet: GossipPacket, for sender: NodeID, now: MonotonicInstant) {
        var records: [MemberRecord] = []
        var room = GossipPacket.byteLimit / 2
        for theirs in packet.records where theirs.declaration == nil {
            guard let entry = entries[theirs.id], entry.instance == theirs.instance,
                entry.declaration.version > theirs.declarationVersion
            else { continue }
            append(entry.record(of: theirs.id, withDeclaration: true), to: &records, room: &room)
        }
        guard !records.isEmpty else { return }
        let packet = GossipPacket(header: own.header, records: records)
        actions.append(.send(packet, to: sender, timeout: settings.answerTimeout))
    }

    private func append(_ record: MemberRecord, to records: inout [MemberRecord], room: inout Int) {
        let size = record.encodedSizeBound
        guard size <= room, records.count < GossipPacket.recordLimit else { return }
        room -= size
        records.append(record)
    }

    // MARK: Packets

    mutating func send(_ messages: [GossipMessage], to id: NodeID, about others: [NodeID] = [], now: MonotonicInstant) {
        let packet = packet(for: id, messages: messages, about: others, now: now)
        let isPresent = entries[id]?.state.isPresent ?? false
        // Short attempts for members that are gone, so that the next one begins with a new connection.
        let timeout =
            isPresent ? max(settings.answerTimeout, settings.probeTimeout * health.scale) : settings.probeTimeout * 2
        actions.append(.send(packet, to: id, timeout: timeout))
    }

    /// The suspect is told first (Lifeguard, section IV-C), then come the rumours, as many as fit.
    mutating func packet(
        for id: NodeID, messages: [GossipMessage], about others: [NodeID], now: MonotonicInstant
    ) -> GossipPacket {
        var packet = GossipPacket(header: own.header, messages: messages)
        guard let entry = entries[id] else { return packet }
        if let accusation = entry.accusation(of: id) { packet.records.append(accusation) }
        if entry.wantsDescription {
            entries[id]?.wantsDescription = false
            packet.messages.append(.describeYourself)
        }
        if let notice = entry.copyNotice, notice.until > now { packet.messages.append(.cloneNotice(notice.sighting)) }
        for other in others { packet.records.append(record(of: other)) }
        guard entry.state.isPresent else {
            packet.records.append(own.record(of: self.id, withDeclaration: true))
            return packet
        }
        for other in rumours.take(bytes: settings.rumourBytes, limit: rumourLimit) where other != id {
            packet.records.append(record(of: other))
        }
        return packet
    }
}

extension MemberRecord {
    /// Whether a node that holds the other record of the same member learns something from this one.
    func isNews(to other: MemberRecord) -> Bool {
        guard let instance else { return false }
        guard let known = other.instance else { return true }
        if instance != known { return instance > known }
        if incarnation != other.incarnation { return incarnation > other.incarnation }
        return state.rawValue > other.state.rawValue || declarationVersion > other.declarationVersion
    }
}

/// The members about which there is news to tell, the least often told first (SWIM, section 4.1).
struct DisseminationQueue: Sendable {
    private struct Place {
        var round: Int
        var stamp: UInt64
        var size: Int
    }

    private var places: [NodeID: Place] = [:]
    /// The rumours that were told 0 times, once, twice…; entries whose stamp is not their place's are outdated.
    private var rounds: [[(id: NodeID, stamp: UInt64)]] = []
    private var lastStamp: UInt64 = 0

    var isEmpty: Bool { places.isEmpty }
    var count: Int { places.count }

    /// Tells it again if it was told before.
    mutating func add(_ id: NodeID, size: Int) {
        lastStamp &+= 1
        if places[id]?.round == 0 {
            places[id]?.size = size
            return
        }
        places[id] = Place(round: 0, stamp: lastStamp, size: size)
        if rounds.isEmpty { rounds.append([]) }
        rounds[0].append((id, lastStamp))
    }

    mutating func remove(_ id: NodeID) { places[id] = nil }

    /// Takes as many rumours as fit, and forgets those that have then been told `limit` times.
    mutating func take(bytes: Int, limit: Int) -> [NodeID] {
        guard !places.isEmpty else {
            rounds.removeAll()
            return []
        }
        var room = bytes
        var taken: [NodeID] = []
        var moved: [(id: NodeID, round: Int)] = []
        var isFull = false
        for round in rounds.indices where !isFull {
            var read = 0
            for entry in rounds[round] {
                guard let place = places[entry.id], place.stamp == entry.stamp else {
                    read += 1
                    continue
                }
                guard place.size <= room, taken.count < GossipPacket.recordLimit / 2 else {
                    isFull = true
                    break
                }
                room -= place.size
                taken.append(entry.id)
                moved.append((entry.id, round + 1))
                read += 1
            }
            rounds[round].removeFirst(read)
        }
        for (id, round) in moved { move(id, to: round, limit: limit) }
        return taken
    }

    private mutating func move(_ id: NodeID, to round: Int, limit: Int) {
        guard round < limit, let stamp = places[id]?.stamp else {
            places[id] = nil
            return
        }
        while rounds.count <= round { rounds.append([]) }
        places[id]?.round = round
        rounds[round].append((id, stamp))
    }
}
