// SPDX-License-Identifier: Apache-2.0

package import KithModel
import KithTransport
package import KithTrust
package import NIOCore
import Synchronization

/// This node's own connections to others: one to each, made when first needed and shared by all that goes there.
package final class PeerLinks: Sendable {
    /// From the first attempt to the end of the greeting.
    static let limit = Duration.milliseconds(1_500)
    static let addressLimit = 8

    private struct Slot: Sendable {
        var link: PeerLink?
        var dialing: Dialing?
    }

    /// One task for everybody who waits for the same connection; it ends by itself within its limit.
    private struct Dialing: Sendable {
        var attempt: Attempt
        var task: Task<PeerLink, any Error>
    }

    /// Tells one attempt to reach a node from the next.
    private final class Attempt: Sendable {}

    private let tls: PeerTLS
    private let group: any EventLoopGroup
    private let clock: any TimeSource
    private let hello: @Sendable () -> PeerHello
    private let onLost: @Sendable (NodeID) -> Void
    private let slots = Mutex<[NodeID: Slot]>([:])

    /// - Parameters:
    ///   - hello: What this node says of itself on a new connection.
    ///   - onLost: Told of a connection that ended without this node having ended it.
    package init(
        tls: PeerTLS, group: any EventLoopGroup, clock: any TimeSource, hello: @escaping @Sendable () -> PeerHello,
        onLost: @escaping @Sendable (NodeID) -> Void
    ) {
        self.tls = tls
        self.group = group
        self.clock = clock
        self.hello = hello
        self.onLost = onLost
    }

    /// The connection to a node, made if there is none.
    ///
    /// - Parameter addresses: Where to look for it, the best first.
    /// - Throws: ``LinkFailure``.
    package func link(to id: NodeID, at addresses: [PeerAddress]) async throws -> PeerLink {
        let dialing: Task<PeerLink, any Error>
        switch slots.withLock({ claim(id, at: addresses, in: &$0) }) {
        case .success(let link): return link
        case .failure(let pending): dialing = pending.task
        }
        do {
            return try await dialing.value
        } catch is CancellationError where !Task.isCancelled {
            // Not the caller was given up, but the node.
            throw LinkFailure.unreachable("the connection was given up")
        }
    }

    /// The connection to a node if there is one now.
    package func current(_ id: NodeID) -> PeerLink? {
        slots.withLock { $0[id]?.link }.flatMap { $0.connection.isActive ? $0 : nil }
    }

    /// The connection has not answered in time: it is left to what runs on it, and the next request makes another.
    package func distrust(_ link: PeerLink) {
        slots.withLock { slots in
            if slots[link.id]?.link?.connection === link.connection { slots[link.id]?.link = nil }
        }
        link.connection.closeWhenIdle()
    }

    /// Ends the connection to a node with all that runs on it.
    package func drop(_ id: NodeID) {
        let slot = slots.withLock { $0.removeValue(forKey: id) }
        slot?.dialing?.task.cancel()
        slot?.link?.connection.close()
    }

    package func shutDown() {
        let all = slots.withLock { slots in
            defer { slots = [:] }
            return Array(slots.values)
        }
        for slot in all {
            slot.dialing?.task.cancel()
            slot.link?.connection.close()
        }
    }

    private struct Pending: Error { var task: Task<PeerLink, any Error> }

    private func claim(
        _ id: NodeID, at addresses: [PeerAddress], in slots: inout [NodeID: Slot]
    ) -> Result<PeerLink, Pending> {
        var slot = slots[id] ?? Slot()
        if let link = slot.link, link.connection.isActive { return .success(link) }
        if let dialing = slot.dialing { return .failure(Pending(task: dialing.task)) }
        let attempt = Attempt()
        let task = Task { try await self.dial(id, at: addresses, as: attempt) }
        slot.dialing = Dialing(attempt: attempt, task: task)
        slots[id] = slot
        return .failure(Pending(task: task))
    }

    private func dial(_ id: NodeID, at addresses: [PeerAddress], as attempt: Attempt) async throws -> PeerLink {
        defer {
            slots.withLock { slots in
                if slots[id]?.dialing?.attempt === attempt { slots[id]?.dialing = nil }
            }
        }
        let link = try await race(id, at: addresses)
        let isWanted = slots.withLock { slots in
            guard slots[id]?.dialing?.attempt === attempt, !Task.isCancelled else { return false }
            slots[id]?.link = link
            return true
        }
        guard isWanted else {
            link.connection.close()
            throw CancellationError()
        }
        link.connection.whenClosed { [weak self] in self?.closed(link) }
        return link
    }

    private func race(_ id: NodeID, at addresses: [PeerAddress]) async throws -> PeerLink {
        let race = AddressRace(addresses: Array(addresses.prefix(Self.addressLimit)), clock: clock) { address in
            try await self.connect(to: id, at: address)
        } discard: { link in
            link.connection.close()
        }
        return try await race.run()
    }

    private func connect(to id: NodeID, at address: PeerAddress) async throws -> PeerLink {
        let connection = try await open(id, at: address)
        do {
            return try await PeerLink.greet(id, on: connection, with: hello(), limit: Self.limit)
        } catch {
            connection.close()
            throw error
        }
    }

    /// Connects to an address where a node with this id must answer, and says nothing yet.
    ///
    /// - Throws: ``LinkFailure``.
    func open(_ id: NodeID, at address: PeerAddress) async throws -> MultiplexedConnection {
        let seen = SeenNode()
        do {
            return try await MultiplexedConnection.connect(to: address, limit: Self.limit, group: group) { [tls] channel in
                let handler = try tls.clientHandler(expecting: id) { refusal in
                    seen.id.withLock { $0 = refusal.seen }
                }
                try channel.pipeline.syncOperations.addHandler(handler)
            }
        } catch {
            throw seen.id.withLock { $0 }.map(LinkFailure.wrongNode) ?? LinkFailure(connecting: error)
        }
    }

    private func closed(_ link: PeerLink) {
        let wasCurrent = slots.withLock { slots in
            guard slots[link.id]?.link?.connection === link.connection else { return false }
            slots[link.id]?.link = nil
            return true
        }
        if wasCurrent { onLost(link.id) }
    }
}

/// Whom a refused certificate named, told from the handshake to the one who waits for it.
private final class SeenNode: Sendable {
    let id = Mutex<NodeID?>(nil)
}
