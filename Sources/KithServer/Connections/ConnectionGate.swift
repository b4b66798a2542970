// SPDX-License-Identifier: Apache-2.0

package import HummingbirdCore
package import KithModel
package import Logging
package import NIOCore
import Synchronization

/// Decides which connections a listener keeps: by the rules about addresses, and by each address's fair share.
///
/// A connection is a newcomer's until a request on it has been let in. Whoever is refused is told nothing, and no
/// handshake begins.
package final class ConnectionGate: Sendable {
    package enum Refusal: String, Sendable {
        case denied = "address denied"
        case crowded = "too many connections of its address"
    }

    private let share: Mutex<FairShare<AddressRange, ChannelPlace>>
    private let leaving: LeavingChannels
    private let rules: LiveSetting<AddressRules>
    private let proxies: LiveSetting<[AddressRange]>
    private let audit: (any AuditTrail)?
    /// Connections that the server may hold: some have to end what they do before they make room.
    package let ceiling: Int

    /// - Parameters:
    ///   - places: Connections at once. An eighth is for this machine and the proxies that the owner named; another address
    ///     may have a quarter at most.
    ///   - proxies: They pass on the requests of many.
    package init(
        places: Int, rules: LiveSetting<AddressRules> = LiveSetting(.none),
        proxies: LiveSetting<[AddressRange]> = LiveSetting([]), audit: (any AuditTrail)? = nil
    ) {
        share = Mutex(FairShare(.init(places: places, reserved: places / 8, perParty: max(1, places / 4))))
        ceiling = places + max(64, places / 4)
        // The rest of what the server may hold is for those that are just coming and going.
        leaving = LeavingChannels(limit: (ceiling - places) / 2)
        self.rules = rules
        self.proxies = proxies
        self.audit = audit
    }

    /// Whether a request may come from there, which only a proxy has told.
    ///
    /// Where there are rules, a named proxy that does not tell its client's address does not pass it by them.
    func admits(_ source: RequestSource) -> Bool {
        switch source.passage {
        case .direct: return true
        case .byNamedProxy: return source.address.map(rules.value.admit) ?? true
        case .passedOn:
            guard rules.value != .none, let address = source.address else { return true }
            return !proxies.value.contain(address)
        }
    }

    package func replace(rules new: AddressRules) {
        guard new != rules.value else { return }
        rules.replace(with: new)
        let kept = share.withLock { $0.places.map(\.channel) } + leaving.channels
        for channel in kept where channel.remoteAddress?.range.map(new.admit) == false { channel.close(promise: nil) }
    }

    /// - Returns: Whether the connection may stay; if so it has its place until it ends.
    package func admit(_ channel: any Channel) -> Bool {
        guard let address = channel.remoteAddress?.range else { return false }  // it has gone already
        guard rules.value.admit(address) else { return refuse(address, .denied) }
        let place = ChannelPlace(channel)
        let isPreferred = address.isLoopback || proxies.value.contain(address)
        let entrance = share.withLock { $0.enter(place, of: address.subscriber, isPreferred: isPreferred) }
        if case .insteadOf(let gone, _) = entrance, let other = gone.channel.remoteAddress?.range {
            note(other, .crowded)
        }
        guard leaving.makeRoom(entrance) else { return refuse(address, .crowded) }
        channel.closeFuture.whenComplete { [weak self] _ in self?.share.withLock { $0.leave(place) } }
        return true
    }

    /// A request on the connection has been let in.
    ///
    /// - Parameter channel: The connection, or a stream of it.
    package func settle(_ channel: any Channel) {
        share.withLock { share in
            share.settle(ChannelPlace(channel))
            if let connection = channel.parent { share.settle(ChannelPlace(connection)) }
        }
    }

    private func refuse(_ address: AddressRange, _ refusal: Refusal) -> Bool {
        note(address, refusal)
        return false
    }

    private func note(_ address: AddressRange, _ refusal: Refusal) {
        audit?.record(.callerRefused, subject: nil, source: address.description, reason: refusal.rawValue)
    }
}

/// A connection that is set up only if the gate admits it.
package struct AdmittedChannel<Base: ServerChildChannel>: ServerChildChannel {
    package typealias Value = Base.Value

    private let base: Base
    private let gate: ConnectionGate

    package init(_ base: Base, by gate: ConnectionGate) {
        self.base = base
        self.gate = gate
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        guard gate.admit(channel) else {
            channel.close(promise: nil)  // otherwise the server would leave it open
            return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        return base.setup(channel: channel, logger: logger)
    }

    package func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

extension SocketAddress {
    /// The address without the port; `nil` for a local socket.
    package var range: AddressRange? {
        // Where `sockaddr_in` and `sockaddr_in6` have it, on every system.
        let place: Range<Int>
        switch self {
        case .v4: place = 4..<8
        case .v6: place = 8..<24
        case .unixDomainSocket: return nil
        }
        return withSockAddr { pointer, count in
            let bytes = UnsafeRawBufferPointer(start: pointer, count: count)
            return count < place.upperBound ? nil : AddressRange(bytes: bytes[place])
        }
    }
}
