// SPDX-License-Identifier: Apache-2.0

package import KithModel
import KithTransport
package import KithTrust
package import NIOCore
import Synchronization

/// This node's own connections to others: one to each, made when first needed and shared by all requests to that node.
package final class PeerLinks: Sendable {
    package static let limit = Duration.milliseconds(1_500)
    static let addressLimit = 8

    private struct Slot: Sendable {
        var link: PeerLink?
        /// One task for all callers that wait for the same connection; it ends by itself within its limit.
        var dialing: Task<PeerLink, any Error>?
        /// Which call that is: a later one must not be taken for it.
        var call: UInt64 = 0
        /// Connections that are kept only for what still runs on them.
        var old: [ObjectIdentifier: MultiplexedConnection] = [:]

        func end() {
            dialing?.cancel()
            link?.connection.close()
            for connection in old.values { connection.close() }
        }
    }

    private struct State: Sendable {
        var slots: [NodeID: Slot] = [:]
        var calls: UInt64 = 0
    }

    private let own: NodeID
    private let tls: PeerTLS
    private let group: any EventLoopGroup
    private let limit: Duration
    private let clock: any TimeSource
    private let hello: @Sendable () -> PeerHello
    private let onGreeted: @Sendable (NodeID, ProtocolVersions) -> Void
    private let onLost: @Sendable (NodeID) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - own: This node.
    ///   - hello: What this node says of itself on a new connection.
    ///   - limit: For one address, once for the connection and once for the greeting.
    ///   - onGreeted: Called with each new connection and the versions that the other side speaks.
    ///   - onLost: Called with a connection that ended without this node having ended it.
    package init(
        own: NodeID, tls: PeerTLS, group: any EventLoopGroup, clock: any TimeSource,
        hello: @escaping @Sendable () -> PeerHello,
        limit: Duration = limit, onGreeted: @escaping @Sendable (NodeID, ProtocolVersions) -> Void = { _, _ in },
        onLost: @escaping @Sendable (NodeID) -> Void
    ) {
        self.own = own
        self.tls = tls
        self.group = group
        self.limit = limit
        self.clock = clock
        self.hello = hello
        self.onGreeted = onGreeted
        self.onLost = onLost
    }

    /// The connection to a node, made if there is none.
    ///
    /// - Parameter addresses: Where to look for it, the best first.
    /// - Throws: ``LinkError``.
    package func link(to id: NodeID, at addresses: [PeerAddress]) async throws -> PeerLink {
        let dialing: Task<PeerLink, any Error>
        switch state.withLock({ claim(id, at: addresses, in: &$0) }) {
        case .success(let link): return link
        case .failure(let pending): dialing = pending.task
        }
        do {
            return try await dialing.value
        } catch is CancellationError where !Task.isCancelled {
            // The node was given up, not the caller.
            throw LinkError.unreachable("the connection was given up")
        }
    }

    /// A connection to a node beside the one that all share, for much that must not delay what is short. Whoever asks for it closes it.
    ///
    /// - Throws: ``LinkError``; `CancellationError`.
    package func bulkLink(to id: NodeID, at addresses: [PeerAddress]) async throws -> PeerLink {
        try await race(id, at: addresses, windows: .bulk)
    }

    /// The connection to a node if there is one now.
    package func current(_ id: NodeID) -> PeerLink? {
        state.withLock { $0.slots[id]?.link }.flatMap { $0.connection.isActive ? $0 : nil }
    }

    /// The connection has not answered in time: it is kept for what runs on it, and the next request makes another.
    package func distrust(_ link: PeerLink) {
        state.withLock { state in
            guard state.slots[link.id]?.link?.connection === link.connection else { return }
            state.slots[link.id]?.link = nil
            state.slots[link.id]?.old[ObjectIdentifier(link.connection)] = link.connection
        }
        link.connection.closeWhenIdle()
    }

    /// Ends the connection to a node with all that runs on it.
    package func drop(_ id: NodeID) {
        state.withLock { $0.slots.removeValue(forKey: id) }?.end()
    }

    package func shutDown() {
        let all = state.withLock { state in
            defer { state.slots = [:] }
            return Array(state.slots.values)
        }
        for slot in all { slot.end() }
    }

    private struct Pending: Error { var task: Task<PeerLink, any Error> }

    private func claim(
        _ id: NodeID, at addresses: [PeerAddress], in state: inout State
    ) -> Result<PeerLink, Pending> {
        var slot = state.slots[id] ?? Slot()
        if let link = slot.link, link.connection.isActive { return .success(link) }
        if let dialing = slot.dialing { return .failure(Pending(task: dialing)) }
        state.calls += 1
        let call = state.calls
        let dialing = Task { try await self.dial(id, at: addresses, call: call) }
        slot.call = call
        slot.dialing = dialing
        state.slots[id] = slot
        return .failure(Pending(task: dialing))
    }

    private func dial(_ id: NodeID, at addresses: [PeerAddress], call: UInt64) async throws -> PeerLink {
        defer {
            state.withLock { if $0.slots[id]?.call == call { $0.slots[id]?.dialing = nil } }
        }
        let link = try await race(id, at: addresses)
        let isWanted = state.withLock { state in
            guard state.slots[id]?.call == call else { return false }
            state.slots[id]?.link = link
            return true
        }
        guard isWanted else {
            link.connection.close()
            throw LinkError.unreachable("the connection was given up")
        }
        link.connection.whenClosed { [weak self] in self?.closed(link) }
        onGreeted(id, link.hello.protocols)
        return link
    }

    private func race(
        _ id: NodeID, at addresses: [PeerAddress], windows: MultiplexedConnection.Windows = .ordinary
    ) async throws -> PeerLink {
        let race = AddressRace(addresses: Array(addresses.prefix(Self.addressLimit)), clock: clock) { address in
            try await self.connect(to: id, at: address, windows)
        } discard: { link in
            link.connection.close()
        }
        return try await race.run()
    }

    private func connect(
        to id: NodeID, at address: PeerAddress, _ windows: MultiplexedConnection.Windows
    ) async throws -> PeerLink {
        let connection: MultiplexedConnection
        do {
            connection = try await open(.node(id), at: address, windows: windows).connection
        } catch LinkError.wrongNode(own) {
            // A node that listens for its own machine only tells an address at which any other machine meets itself.
            throw LinkError.leadsBack(address)
        }
        do {
            return try await PeerLink.greet(id, on: connection, with: hello(), limit: limit)
        } catch {
            connection.close()
            throw error
        }
    }

    /// Connects to an address where a node with this id must answer, and says nothing yet.
    ///
    /// - Throws: ``LinkError``.
    func open(_ id: NodeID, at address: PeerAddress) async throws -> MultiplexedConnection {
        try await open(.node(id), at: address).connection
    }

    /// Connects to an address where such a node must answer, and says nothing yet.
    ///
    /// - Returns: Which node it is: the handshake has proven that it has the key.
    /// - Throws: ``LinkError``.
    func open(
        _ expected: ExpectedNode, at address: PeerAddress, windows: MultiplexedConnection.Windows = .ordinary
    ) async throws -> (connection: MultiplexedConnection, node: NodeID) {
        let (refused, admitted) = (SeenNode(), SeenNode())
        let connection: MultiplexedConnection
        do {
            connection = try await MultiplexedConnection.connect(
                to: address, limit: limit, group: group, windows: windows
            ) { [tls] channel in
                let handler = try tls.clientHandler(
                    expecting: expected, onSeen: { seen in admitted.id.withLock { $0 = seen } },
                    onRefusal: { refusal in refused.id.withLock { $0 = refusal.seen } })
                try channel.pipeline.syncOperations.addHandler(handler)
            }
        } catch {
            throw refused.id.withLock { $0 }.map(LinkError.wrongNode) ?? LinkError(connecting: error)
        }
        guard let node = admitted.id.withLock({ $0 }) else {
            connection.close()
            throw LinkError.unreachable("no certificate was shown")
        }
        return (connection, node)
    }

    private func closed(_ link: PeerLink) {
        let wasCurrent = state.withLock { state in
            state.slots[link.id]?.old[ObjectIdentifier(link.connection)] = nil
            guard state.slots[link.id]?.link?.connection === link.connection else { return false }
            state.slots[link.id]?.link = nil
            return true
        }
        if wasCurrent { onLost(link.id) }
    }
}

/// The node that a certificate named, passed from the handshake to the code that waits for it.
private final class SeenNode: Sendable {
    let id = Mutex<NodeID?>(nil)
}

/// Tries addresses one after another without waiting long for any, and takes the first that works: the staggered race of
/// RFC 8305, section 5.
struct AddressRace<Winner: Sendable>: Sendable {
    /// Between two attempts while none has failed.
    static var stagger: Duration { .milliseconds(200) }

    let addresses: [PeerAddress]
    let clock: any TimeSource
    let attempt: @Sendable (PeerAddress) async throws -> Winner
    /// Called with the result of an attempt that ends after another has won.
    let discard: @Sendable (Winner) -> Void

    private enum Event: Sendable {
        case won(Winner)
        case lost(LinkError)
        case impatient
    }

    /// - Throws: ``LinkError``, the most telling one of all attempts.
    func run() async throws -> Winner {
        try await withThrowingTaskGroup(of: Event.self) { group in
            var waiting = addresses[...]
            var running = 0
            var worst = LinkError.noAddress
            func startNext() {
                guard let address = waiting.popFirst() else { return }
                running += 1
                group.addTask { await Self.outcome { try await attempt(address) } }
                if !waiting.isEmpty {
                    group.addTask {
                        try await clock.sleep(for: Self.stagger)
                        return .impatient
                    }
                }
            }
            startNext()
            while running > 0, let event = try await group.next() {
                switch event {
                case .won(let winner):
                    group.cancelAll()
                    await discardRest(of: &group)
                    return winner
                case .lost(let failure):
                    running -= 1
                    if failure.rank >= worst.rank { worst = failure }
                    startNext()
                case .impatient: startNext()
                }
            }
            group.cancelAll()
            throw worst
        }
    }

    private func discardRest(of group: inout ThrowingTaskGroup<Event, any Error>) async {
        while let result = await group.nextResult() {
            if case .success(.won(let late)) = result { discard(late) }
        }
    }

    private static func outcome(_ attempt: () async throws -> Winner) async -> Event {
        do { return .won(try await attempt()) } catch { return .lost(LinkError(connecting: error)) }
    }
}
