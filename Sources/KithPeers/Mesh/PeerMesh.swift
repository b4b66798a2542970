// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import KithDialects
package import KithInference
package import KithMembership
package import KithModel
package import KithServer
package import KithSync
package import KithTracing
package import KithTrust
package import Logging
package import NIOCore
import NIOPosix
import Synchronization

/// This node among others: trust, connections, membership and the listener, put together.
package final class PeerMesh: Sendable {
    /// What a node is to others.
    package struct Profile: Sendable {
        package var name: NodeName
        package var version: String
        package var protocols: ProtocolVersions
        /// Its declared level, which may change.
        package var level: @Sendable () -> Double
        /// Whether it answers as an AIOS cell too.
        package var isCell: Bool
        /// Where its clients reach it, once they do.
        package var clientAddress: @Sendable () -> HTTPAddress?
        /// What the machine has left for models, and runs on, as measured last; must not wait.
        package var machine: @Sendable () -> MachineFacts?
        package var membership: MembershipSettings
        /// Where this node's peer port can be reached, the best address first.
        package var addresses: @Sendable () -> [PeerAddress]
        /// Bytes of a request for an answer.
        package var generateLimit: Int
        /// Bytes of a request that is passed through.
        package var passLimit: Int
        /// Which machines are woken, and how long a prompt waits for one.
        package var wake: WakeWishes
        /// On which networks that is done.
        package var surroundings: Waker.Surroundings

        package init(
            name: NodeName, version: String, protocols: ProtocolVersions = .supported,
            level: @escaping @Sendable () -> Double = { 1 }, isCell: Bool = false,
            clientAddress: @escaping @Sendable () -> HTTPAddress? = { nil },
            machine: @escaping @Sendable () -> MachineFacts? = { nil },
            membership: MembershipSettings = .lan, generateLimit: Int = 12 << 20, passLimit: Int = 33 << 20,
            wake: WakeWishes = WakeWishes(), surroundings: Waker.Surroundings = .machine,
            addresses: @escaping @Sendable () -> [PeerAddress]
        ) {
            self.name = name
            self.version = version
            self.protocols = protocols
            self.level = level
            self.isCell = isCell
            self.clientAddress = clientAddress
            self.machine = machine
            self.membership = membership
            self.generateLimit = generateLimit
            self.passLimit = passLimit
            self.wake = wake
            self.surroundings = surroundings
            self.addresses = addresses
        }
    }

    /// With one random kin; changes are passed on at once.
    static let syncInterval = Duration.seconds(30)

    package let trust: TrustStore
    package let directory: PeerDirectory
    let ownIdentity: NodeIdentity
    let profile: Profile
    package let links: PeerLinks
    package let membership: MembershipService
    let pairing: PairingService
    let waker: Waker
    let sync: OperationsSync
    let stateSync: StateSync?
    let clock: any TimeSource
    let audit: any AuditTrail
    let logger: Logger
    let addressIdentities = AddressIdentityCache()
    let discovery = Mutex<DiscoveryService?>(nil)
    /// Called by the task in which it happens; must not wait.
    package let news = Callback<MeshNews>()
    private let connections = PeerConnections()
    private let tls: PeerTLS
    private let seat: EngineSeat
    private let tracer: NodeTracer?
    private let instance: InstanceID
    private let events: AsyncStream<MeshEvent>
    private let eventSource: AsyncStream<MeshEvent>.Continuation
    /// Called for each answer to a packet of gossip.
    private let answered = CallbackList<GossipTiming>()

    /// - Parameter tracer: Records what is done for kin.
    /// - Throws: When TLS does not accept the identity.
    package init(
        profile: Profile, identity: NodeIdentity, trust: TrustStore, engine: any EngineStatusSource,
        seat: EngineSeat, state: SharedStateStore? = nil, tracer: NodeTracer? = nil, clock: any TimeSource,
        audit: any AuditTrail, logger: Logger,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) throws {
        self.profile = profile
        self.ownIdentity = identity
        self.trust = trust
        self.seat = seat
        self.tracer = tracer
        self.clock = clock
        self.audit = audit
        self.logger = logger
        tls = try PeerTLS(identity: identity)
        var generator = SystemRandomNumberGenerator()
        let instance = InstanceID(startedAt: .now(), salt: generator.next())
        self.instance = instance
        (events, eventSource) = AsyncStream.makeStream(of: MeshEvent.self, bufferingPolicy: .bufferingNewest(1_024))
        let eventSource = eventSource

        links = PeerLinks(
            own: identity.id, tls: tls, group: group, clock: clock, hello: { Self.hello(profile, instance) },
            onGreeted: { eventSource.yield(.greeted($0, $1)) }, onLost: { eventSource.yield(.connectionLost($0)) })
        membership = MembershipService(
            membership: Membership(
                id: identity.id, instance: instance, settings: profile.membership, addresses: profile.addresses(),
                now: clock.now),
            transport: PeerGossip(
                links: links, clock: clock, onFailure: { eventSource.yield(.failed($0, $1)) },
                onAnswer: { [answered] in answered(GossipTiming(id: $0, roundTrip: $1, clock: $2)) }), clock: clock,
            executor: EventLoopExecutor(group.next()),
            notify: { eventSource.yield(.membership($0)) })
        directory = PeerDirectory(
            ownName: profile.name, ownID: identity.id, level: profile.level, isCell: profile.isCell,
            clientAddress: profile.clientAddress, machine: profile.machine, version: profile.version,
            protocols: profile.protocols, engine: engine, seat: seat, trust: trust,
            membership: membership, links: links, clock: clock, audit: audit, logger: logger)
        let waker = Waker(
            wishes: profile.wake, trust: trust, directory: directory, links: links, clock: clock,
            surroundings: profile.surroundings, logger: logger)
        self.waker = waker
        directory.waking.set(
            .init(
                wake: { [weak waker] in waker?.wake($0) }, forecast: { [weak waker] in waker?.forecast(of: $0) },
                mayBeWoken: { [weak waker] in waker?.mayBeWoken($0) ?? false }))
        answered.add { [weak directory] timing in
            if let clock = timing.clock { directory?.told(timing.id, clock, roundTrip: timing.roundTrip) }
        }
        let sync = OperationsSync(trust: trust, links: links, membership: membership, logger: logger)
        self.sync = sync
        let stateSync = state.map { [links, membership, directory] state in
            StateSync(
                shared: state, node: identity.id, links: links, membership: membership, clock: clock, logger: logger,
                introductions: { await sync.run(with: [$0]) }
            ) { directory.noteOwnChange() }  // the level is among what is written
        }
        self.stateSync = stateSync
        stateSync?.setKin(trust.kin)
        pairing = PairingService(
            identity: identity, trust: trust, clock: clock, audit: audit,
            introduction: { PairingIntroduction(name: profile.name, addresses: profile.addresses()) },
            onKin: { [membership] in await sync.run(with: membership.reachable) }, news: news)
        stateSync?.news.set { [news] in news(.exchanged($0.kin, sent: $0.sent, received: $0.received)) }
        membership.setTrusted(trust.kin)
        trust.whenChanged { [links, membership, connections, directory, weak trust] change in
            membership.setTrusted(change.kin)
            stateSync?.setKin(change.kin, hadLiar: change.wasStolen)
            if trust?.isForgotten == true { logger.warning("this node was forgotten by its kin; pair it again") }
            for peer in trust?.peers() ?? [] where change.kin.contains(peer.id) {
                membership.suggest(addresses: peer.addresses, for: peer.id)
            }
            for id in change.lost {
                links.drop(id)
                connections.close(id)
            }
            directory.refresh()
            eventSource.yield(.trustChanged)
        }
    }

    private static func hello(_ profile: Profile, _ instance: InstanceID) -> PeerHello {
        PeerHello(
            name: profile.name, version: profile.version, protocols: profile.protocols, instance: instance,
            addresses: profile.addresses())
    }

    /// - Parameter onAnswer: Called for each answer that a kin gives to a packet of gossip, with the time that it took; must not
    ///   wait.
    package func whenAnswered(_ onAnswer: @escaping @Sendable (Duration) -> Void) {
        answered.add { onAnswer($0.roundTrip) }
    }

    /// This node's declared level.
    package var level: Double { profile.level() }

    /// The listener for other nodes; a service to run alongside ``run(onReturn:)``.
    ///
    /// - Parameters:
    ///   - gate: Which connections are kept; by default all that there is room for.
    ///   - onListening: Called with the channel when the port is open.
    package func listener(
        host: String, port: Int, work: PeerWork = PeerWork(), limits: ConnectionLimits = PeerListener.limits,
        gate: ConnectionGate? = nil,
        onListening: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) -> HTTPListener<RouterResponder<PeerRequestContext>> {
        let services = PeerServices(
            connections: connections, trust: trust, membership: membership, directory: directory, pairing: pairing,
            waker: waker, seat: seat, work: work, state: stateSync, tracer: tracer, clock: clock, audit: audit,
            generateLimit: profile.generateLimit, passLimit: profile.passLimit
        ) { [profile, instance] in
            Self.hello(profile, instance)
        }
        return PeerListener.listener(
            services: services, tls: tls, host: host, port: port, limits: limits, gate: gate, logger: logger,
            onListening: onListening)
    }

    /// Takes part until cancelled, and says goodbye then.
    ///
    /// - Parameter onReturn: Called with each node that is back.
    package func run(onReturn: @escaping @Sendable (NodeID) -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.membership.run() }
            group.addTask { await self.directory.run(onReturn: onReturn) }
            group.addTask { await self.follow() }
            group.addTask { await self.syncNowAndThen() }
            group.addTask { await self.friendPoller.run() }
            group.addTask { await self.waker.run() }
            if let stateSync = self.stateSync { group.addTask { await stateSync.run() } }
        }
        links.shutDown()
    }

    /// Finds other nodes in these ways, until cancelled; runs alongside ``run(onReturn:)``.
    package func discover(_ ways: [any Discovery]) async {
        let (changes, source) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let service = DiscoveryService(ways, ownID: ownIdentity.id, clock: clock) { source.yield() }
        discovery.withLock { $0 = service }
        await withDiscardingTaskGroup { group in
            group.addTask { await service.run() }
            group.addTask {
                var near: [[String]] = []
                for await _ in changes {
                    await self.suggested(service.suggestions())
                    let now = self.nearby().nodes.map {
                        [$0.id ?? "", $0.name ?? ""] + $0.addresses.map(\.description)
                    }
                    if now != near { self.news(.nearby) }
                    near = now
                }
            }
            group.addTask {
                // Addresses without an id are asked again: a node may have started there.
                while true {
                    do { try await self.clock.sleep(forAbout: AddressIdentityCache.pause) } catch { return }
                    source.yield()
                }
            }
        }
    }

    private var friendPoller: FriendPoller {
        FriendPoller(
            trust: trust, links: links, directory: directory,
            hello: { [profile, instance] in Self.hello(profile, instance) }, clock: clock)
    }

    // MARK: Events

    enum MeshEvent: Sendable {
        case connectionLost(NodeID)
        case greeted(NodeID, ProtocolVersions)
        case failed(NodeID, LinkError)
        case membership(MembershipNotice)
        case trustChanged
    }

    private func follow() async {
        await withDiscardingTaskGroup { group in
            for await event in events {
                if Task.isCancelled { break }
                switch event {
                case .connectionLost(let id): membership.connectionLost(id)
                case .greeted(let id, let protocols): directory.spoke(id, protocols)
                case .failed(let id, let failure):
                    directory.failed(id, with: failure)
                    if case .wrongNode = failure { directory.refresh() }
                case .membership(.cloned(let sighting)): directory.sawClone(of: sighting.id)
                case .trustChanged:
                    group.addTask { await self.sync.run(with: self.membership.reachable) }
                    group.addTask { await self.friendPoller.look() }
                case .membership(.changed(let event)): group.addTask { await self.noted(event) }
                }
            }
        }
    }

    private func noted(_ event: MemberEvent) async {
        switch event.kind {
        case .appeared, .returned:
            directory.recovered(event.id)
            // Before what takes time: that is not the waking's, and the machine may sleep again when it is over.
            await waker.met(event.id)
            await sync.run(with: [event.id])
            await stateSync?.exchange(with: event.id)
            await remember(event.id)
            await waker.learn(from: event.id)
        case .addressesChanged:
            await remember(event.id)
            await waker.learn(from: event.id)
        case .died: lost(event.id)
        case .left:
            stateSync?.lost(event.id)
            directory.refresh()
            await waker.left(event.id)
        case .removed: stateSync?.lost(event.id)
        case .suspected, .payloadChanged: break
        }
        directory.refresh()
    }

    /// A node is dead: its answers under way continue on other nodes at once, although its connections may still be
    /// open.
    package func lost(_ id: NodeID) {
        stateSync?.lost(id)
        links.drop(id)
    }

    /// Keeps where a peer was found, for the next start.
    private func remember(_ id: NodeID) async {
        guard trust.standing(of: id) == .kin else { return }
        let link = links.current(id)
        let addresses = (link.map { [$0.address] } ?? []) + membership.addresses(of: id)
        do {
            try await trust.update(id) { record in
                record.name = link?.hello.name ?? record.name
                record.addresses = addresses + record.addresses.filter { !addresses.contains($0) }
                record.lastSeen = .now()
            }
        } catch {
            logger.warning("peer's addresses not saved", metadata: ["reason": "\(error)"])
        }
    }

    /// Says goodbye before the machine sleeps; ``wakeUp()`` takes it back.
    package func fallAsleep() async {
        directory.fallAsleep()
        await membership.sayGoodbye()
        directory.fellAsleep()
    }

    /// Looks for all nodes at once. The machine's sleep is noticed without this call too, only later.
    package func wakeUp() {
        membership.woke()
        directory.noteOwnChange()
    }

    /// This machine's addresses have changed.
    package func networkChanged() {
        addressesChanged()
        membership.networkChanged()
    }

    /// This node can be reached at other addresses than before.
    package func addressesChanged() { membership.setAddresses(profile.addresses()) }

    private func syncNowAndThen() async {
        while true {
            do { try await clock.sleep(forAbout: Self.syncInterval) } catch { return }
            if let kin = membership.reachable.randomElement() { await sync.run(with: [kin]) }
        }
    }
}
