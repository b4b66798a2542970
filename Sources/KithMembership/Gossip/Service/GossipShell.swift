// SPDX-License-Identifier: Apache-2.0

import KithModel

/// A packet on its way to the transport.
struct GossipDispatch: Sendable {
    var packet: [UInt8]
    var id: NodeID
    var addresses: [PeerAddress]
    var timeout: Duration
}

/// What ``MembershipService`` keeps under its lock.
struct GossipShell: Sendable {
    /// One exchange may hang in a channel that broke, while the next tries a new one.
    private static let exchangesPerMember = 2
    private static let exchangesInAll = 128

    var membership: Membership
    var sleepWatch: SleepWatch
    var suggested = SuggestedAddresses()
    /// When the timer rings; it is set anew when something else comes first, or nothing so soon.
    var armedFor: Moment?
    private var underWay: [NodeID: Int] = [:]
    private var underWayInAll = 0

    init(membership: Membership, sleepWatch: SleepWatch) {
        self.membership = membership
        self.sleepWatch = sleepWatch
    }

    /// - Returns: `false` when enough is under way; what the packet says is said again by later ones.
    mutating func begin(_ id: NodeID) -> Bool {
        guard underWay[id, default: 0] < Self.exchangesPerMember, underWayInAll < Self.exchangesInAll else {
            return false
        }
        underWay[id, default: 0] += 1
        underWayInAll += 1
        return true
    }

    mutating func finish(_ id: NodeID) {
        guard let count = underWay[id] else { return }
        underWay[id] = count > 1 ? count - 1 : nil
        underWayInAll -= 1
    }

    /// - Returns: Whether the timer is to ring at another time than it would.
    mutating func arm() -> Bool {
        let next = membership.nextWakeUp
        defer { armedFor = next }
        return next != armedFor
    }

    func addresses(of id: NodeID) -> [PeerAddress] {
        var addresses = suggested[id]
        for address in membership.member(id)?.addresses ?? [] where !addresses.contains(address) {
            addresses.append(address)
        }
        return addresses
    }

    func dispatch(_ packet: GossipPacket, to id: NodeID, timeout: Duration) -> GossipDispatch {
        GossipDispatch(packet: packet.encoded(), id: id, addresses: addresses(of: id), timeout: timeout)
    }
}
