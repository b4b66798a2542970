// SPDX-License-Identifier: Apache-2.0

package import KithModel

// What this node does and says of itself.

extension Membership {
    /// Tells the others, at most once in ``MembershipSettings/declarationInterval`` while it keeps changing.
    ///
    /// - Returns: `nil` when the payload is longer than ``Declaration/payloadLimit``; it is not taken then.
    package mutating func setPayload(_ payload: [UInt8], now: Moment) -> [MembershipAction]? {
        let now = pass(to: now)
        guard payload.count <= Declaration.payloadLimit else { return nil }
        var wanted = own.pending ?? own.declaration
        wanted.payload = payload
        declare(wanted, now: now)
        return takeActions()
    }

    /// - Parameter addresses: The most useful first; those beyond ``Declaration/addressLimit`` are left out.
    package mutating func setAddresses(_ addresses: [PeerAddress], now: Moment) -> [MembershipAction] {
        let now = pass(to: now)
        var wanted = own.pending ?? own.declaration
        wanted.addresses = Array(addresses.prefix(Declaration.addressLimit))
        declare(wanted, now: now)
        return takeActions()
    }

    private mutating func declare(_ wanted: Declaration, now: Moment) {
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

    mutating func declarePending(now: Moment) {
        schedule.declaration = nil
        guard var declaration = own.pending else { return }
        own.pending = nil
        declaration.version = own.declaration.version &+ 1
        own.declaration = declaration
        own.declaredAt = now
        spread(id)
    }

    /// Says goodbye: the others do not suspect a member that left. What comes after is answered, nothing is begun.
    package mutating func leave(now: Moment) -> [MembershipAction] {
        _ = pass(to: now)
        guard !own.hasLeft else { return takeActions() }
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
            let packet = GossipPacket(header: own.header, records: [own.record(of: self.id, withDeclaration: false)])
            actions.append(.send(packet, to: id, timeout: settings.probeTimeout))
        }
        return takeActions()
    }

    /// The machine slept, as far as the shell can tell; also undoes ``leave(now:)``.
    package mutating func woke(now: Moment) -> [MembershipAction] {
        wake(now: pass(to: now))
        return takeActions()
    }

    /// An interface came or went, or got another address.
    package mutating func networkChanged(now: Moment) -> [MembershipAction] {
        startAfresh(now: pass(to: now))
        return takeActions()
    }

    mutating func wake(now: Moment) {
        if own.hasLeft {
            own.hasLeft = false
            own.incarnation = own.incarnation.next
            spread(id)
        }
        startAfresh(now: now)
    }

    /// What was under way says nothing any more; everybody is probed.
    private mutating func startAfresh(now: Moment) {
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
