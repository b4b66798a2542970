// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// What ``MembershipService`` reports.
package enum MembershipNotice: Sendable, Hashable {
    case changed(MemberEvent)
    /// Two copies of a node are running; at most once a minute for each pair.
    case cloned(CloneSighting)
}

/// Runs ``Membership``: carries its packets, keeps its time, and reports what it notices.
///
/// Calls may come from any thread and never wait. Nothing is sent before ``run()`` and after it.
package final class MembershipService: Sendable {
    private enum Work: Sendable {
        case exchange(GossipDispatch)
        /// The timer must fire at another time than before.
        case timer
    }

    private let state: Mutex<GossipShell>
    private let transport: any GossipTransport
    private let clock: any TimeSource
    private let executor: (any TaskExecutor)?
    private let readClocks: @Sendable () -> SleepWatch.Reading
    private let notify: @Sendable (MembershipNotice) -> Void
    private let work: AsyncStream<Work>
    private let workInput: AsyncStream<Work>.Continuation

    /// - Parameters:
    ///   - executor: Where it runs; `nil` to run where ``run()`` is called.
    ///   - readClocks: How the machine's sleep is noticed.
    ///   - notify: Called outside of all locks, from any task or thread; two notices may come at the same time. It should
    ///     not wait.
    package init(
        membership: Membership, transport: any GossipTransport, clock: any TimeSource,
        executor: (any TaskExecutor)? = nil,
        readClocks: @escaping @Sendable () -> SleepWatch.Reading = SleepWatch.machine,
        notify: @escaping @Sendable (MembershipNotice) -> Void = { _ in }
    ) {
        state = Mutex(GossipShell(membership: membership, sleepWatch: SleepWatch(first: readClocks())))
        self.transport = transport
        self.clock = clock
        self.executor = executor
        self.readClocks = readClocks
        self.notify = notify
        (work, workInput) = AsyncStream.makeStream()
    }

    // MARK: Running

    /// Runs until the task is cancelled, and returns after it has said goodbye.
    package func run() async { await withTaskExecutorPreference(executor) { await carry() } }

    private func carry() async {
        update { _, _ in [] }
        // Not of the group, which cannot cancel one of its tasks alone: most timers are set again long before they fire.
        var timer: Task<Void, Never>?
        await withDiscardingTaskGroup { group in
            for await work in work {
                switch work {
                case .exchange(let dispatch): group.addTask { await self.exchange(dispatch) }
                case .timer:
                    // As it is by now: two calls may arrive in another order than they were decided.
                    guard let moment = state.withLock({ $0.armedFor }) else { continue }
                    timer?.cancel()
                    timer = Task(executorPreference: executor) { await self.wake(at: moment) }
                }
            }
            group.cancelAll()
            timer?.cancel()
        }
        await timer?.value
        // The one way to send from a task that is cancelled.
        await Task { await self.sayGoodbye() }.value
    }

    private func wake(at moment: MonotonicInstant) async {
        do { try await clock.sleep(until: moment, tolerance: nil) } catch { return }
        let reading = readClocks()
        update { state, now in
            guard state.armedFor == moment else { return [] }
            state.armedFor = nil
            let slept = state.sleepWatch.note(reading)
            return (slept ? state.membership.woke(now: now) : []) + state.membership.tick(now: now)
        }
    }

    private func exchange(_ dispatch: GossipDispatch) async {
        let id = dispatch.id
        do {
            let answer = try await transport.exchange(
                dispatch.packet, with: id, addresses: dispatch.addresses, timeout: dispatch.timeout)
            let packet = answer.packet.flatMap { try? GossipPacket(decoding: $0) }
            update { state, now in
                state.finish(id)
                state.membership.measured(answer.roundTrip, with: id)
                // An answer that cannot be read is a sign of life all the same.
                return packet.map { state.membership.received($0, from: id, as: .response, now: now) }
                    ?? state.membership.contact(from: id, now: now)
            }
        } catch {
            let isOver = Task.isCancelled
            update { state, now in
                state.finish(id)
                return isOver ? [] : state.membership.sendFailed(to: id, error, now: now)
            }
        }
    }

    /// Tells the others that this node stops or sleeps; returns when they have heard or time is up.
    ///
    /// ``woke()`` undoes it.
    package func sayGoodbye() async {
        let goodbyes = state.withLock { state in
            state.membership.leave(now: clock.now).compactMap { action -> GossipDispatch? in
                guard case .send(let packet, let id, let timeout) = action else { return nil }
                return state.dispatch(packet, to: id, timeout: timeout)
            }
        }
        await withDiscardingTaskGroup { group in
            for goodbye in goodbyes {
                group.addTask {
                    // A member that does not hear it notices the silence.
                    _ = try? await self.transport.exchange(
                        goodbye.packet, with: goodbye.id, addresses: goodbye.addresses, timeout: goodbye.timeout)
                }
            }
        }
    }

    // MARK: Events

    /// Handles a packet that a peer sent.
    ///
    /// - Returns: The answer, or `nil` when there is none.
    /// - Throws: ``GossipPacketError`` when the bytes are no packet of a version that this node speaks.
    package func receive(_ packet: [UInt8], from id: NodeID) throws(GossipPacketError) -> [UInt8]? {
        let packet = try GossipPacket(decoding: packet)
        return update { $0.membership.received(packet, from: id, as: .request, now: $1) }?.encoded()
    }

    /// Authenticated traffic other than packets came from a peer.
    package func contact(_ id: NodeID) { update { $0.membership.contact(from: id, now: $1) } }

    /// An established channel to a peer broke.
    package func connectionLost(_ id: NodeID) { update { $0.membership.connectionLost(to: id, now: $1) } }

    /// From now on, only these are members.
    package func setTrusted(_ ids: Set<NodeID>) { update { $0.membership.setTrusted(ids, now: $1) } }

    /// - Returns: `false` when it is longer than ``NodeMetadata/payloadLimit`` and was not taken.
    @discardableResult
    package func setPayload(_ payload: [UInt8]) -> Bool {
        guard payload.count <= NodeMetadata.payloadLimit else { return false }
        update { $0.membership.setPayload(payload, now: $1) ?? [] }
        return true
    }

    package func setAddresses(_ addresses: [PeerAddress]) {
        update { $0.membership.setAddresses(addresses, now: $1) }
    }

    /// Discovery saw a node at these addresses; a trusted one that is gone is tried there at once.
    package func suggest(addresses: [PeerAddress], for id: NodeID) {
        update { state, now in
            state.suggested.add(addresses, for: id) ? state.membership.addressesSuggested(for: id, now: now) : []
        }
    }

    package func networkChanged() { update { $0.membership.networkChanged(now: $1) } }

    /// Whether it has said goodbye, and not come back since.
    package var hasLeft: Bool { state.withLock { $0.membership.hasLeft } }

    package func woke() { update { $0.membership.woke(now: $1) } }

    // MARK: Reading

    package func snapshot() -> [Member] { state.withLock { $0.membership.members } }

    package func member(_ id: NodeID) -> Member? { state.withLock { $0.membership.member(id) } }

    /// Where a node may be: what discovery saw comes before what the node said.
    package func addresses(of id: NodeID) -> [PeerAddress] { state.withLock { $0.addresses(of: id) } }

    // MARK: Actions

    @discardableResult
    private func update(_ event: (inout GossipShell, MonotonicInstant) -> [MembershipAction]) -> GossipPacket? {
        var reply: GossipPacket?
        var notices: [MembershipNotice] = []
        var begun: [Work] = []
        state.withLock { state in
            for action in event(&state, clock.now) {
                switch action {
                case .send(let packet, let id, let timeout):
                    guard state.begin(id) else { continue }
                    begun.append(.exchange(state.dispatch(packet, to: id, timeout: timeout)))
                case .reply(let packet): reply = packet
                case .changed(let event): notices.append(.changed(event))
                case .cloned(let sighting): notices.append(.cloned(sighting))
                }
            }
            if state.arm() { begun.append(.timer) }
        }
        for work in begun { workInput.yield(work) }
        for notice in notices { notify(notice) }
        return reply
    }
}

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
    /// When the timer fires; it is set again when something is due earlier, or nothing is due so soon.
    var armedFor: MonotonicInstant?
    private var underWay: [NodeID: Int] = [:]
    private var underWayInAll = 0

    init(membership: Membership, sleepWatch: SleepWatch) {
        self.membership = membership
        self.sleepWatch = sleepWatch
    }

    /// - Returns: `false` when enough is under way; later packets repeat what this one says.
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

    /// - Returns: Whether the timer must fire at another time than it would.
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

/// Where discovery saw nodes, apart from what they say themselves: bounded, the latest first.
struct SuggestedAddresses: Sendable {
    static let perNode = 8
    static let nodes = 1_024

    private var addresses: [NodeID: [PeerAddress]] = [:]
    /// The nodes in the order in which they were first suggested.
    private var order: [NodeID] = []

    subscript(id: NodeID) -> [PeerAddress] { addresses[id] ?? [] }

    /// - Returns: Whether there is an address among them that was not known.
    mutating func add(_ suggested: [PeerAddress], for id: NodeID) -> Bool {
        guard !suggested.isEmpty else { return false }
        let known = addresses[id] ?? []
        if addresses[id] == nil {
            if order.count >= Self.nodes { addresses[order.removeFirst()] = nil }
            order.append(id)
        }
        var merged: [PeerAddress] = []
        for address in suggested + known where !merged.contains(address) && merged.count < Self.perNode {
            merged.append(address)
        }
        addresses[id] = merged
        return suggested.contains { !known.contains($0) }
    }
}
