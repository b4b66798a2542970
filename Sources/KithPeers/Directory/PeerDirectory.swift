// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithInference
package import KithMembership
package import KithModel
package import Logging
import Synchronization

/// Shows the peers to the router and to people: who they are comes from ``TrustStore``, how they are from membership.
///
/// Everything is answered from memory; `run(onReturn:)` keeps it fresh: changes here or among the members are passed
/// on at once, and only what nothing reports is polled now and then.
package final class PeerDirectory: Sendable {
    struct State: Sendable {
        var entries: [NodeID: PeerView] = [:]
        var names: PeerNames
        /// Plain seed-style services.
        var plain: [PeerView] = []
        /// How the plain services are reached.
        var plainEndpoints: [PeerEndpoint] = []
        /// Why those that are not up cannot be reached.
        var failures: [NodeID: LinkError] = [:]
        let ownProtocols: ProtocolVersions
        /// What each said in its last greeting, and when.
        var greetings: [NodeID: (protocols: ProtocolVersions, heard: MonotonicInstant)] = [:]
        /// When two lives of a node were noticed last.
        var cloned: [NodeID: MonotonicInstant] = [:]
        /// Friends' nodes that answered when they were looked for last.
        var met: [NodeID: (at: MonotonicInstant, roundTrip: Duration)] = [:]
        /// How far the clocks of those are off that tell.
        var clocks: [NodeID: ClockEstimate] = [:]
        var models: [NodeID: PeerModels] = [:]
        /// Since when each is known to this process.
        var knownSince: [NodeID: MonotonicInstant] = [:]
        /// What each declared last, when that came, and the bytes it was read from: they are looked at often and rarely
        /// change.
        var loads: [NodeID: (payload: [UInt8], load: PeerLoad?, at: MonotonicInstant)] = [:]
        var own: (models: PeerModels, load: PeerLoad?)
        /// Since when new prompts are to go elsewhere; `nil` when they are not.
        var drainingSince: MonotonicInstant?
        var isStopping = false
        var slumber = Slumber.awake

        /// A copy is noticed at least once a minute while it runs; one that was stopped is no news after three.
        mutating func dropOldClones(now: MonotonicInstant) { cloned = cloned.filter { now - $0.value < .seconds(180) } }

        /// The nodes that are up and whose current catalogue is not known.
        var lackingModels: [NodeID] {
            entries.values.compactMap { entry in
                guard let id = entry.id, entry.state == .up, let load = entry.load,
                    models[id]?.catalogue != load.catalogue
                else { return nil }
                return id
            }
        }

        /// Forgets what is known of a node that is no longer trusted.
        mutating func dropNotes(of id: NodeID) {
            names.remove(id)
            failures[id] = nil
            greetings[id] = nil
            cloned[id] = nil
            met[id] = nil
            clocks[id] = nil
            models[id] = nil
            loads[id] = nil
            knownSince[id] = nil
        }
    }

    /// Whether this machine sleeps.
    enum Slumber: Sendable {
        /// → fallingAsleep
        case awake
        /// The goodbye is not said yet. → asleep
        case fallingAsleep
        /// → awake, once the goodbye was taken back
        case asleep
    }

    /// What a node declared, and the bytes that it was read from.
    struct Declared: Sendable {
        let payload: [UInt8]
        /// `nil` until it has told.
        let load: PeerLoad?
    }

    /// How long a node that was not heard from is waited for, after pairing or the start.
    static let newness = Duration.seconds(5)

    let ownName: NodeName
    package let ownID: NodeID
    let level: @Sendable () -> Double
    private let isCell: Bool
    private let clientAddress: @Sendable () -> HTTPAddress?
    /// What this machine has left for models, and runs on, as measured last.
    package let machine: @Sendable () -> MachineFacts?
    private let version: String
    let engine: any EngineStatusSource
    let seat: EngineSeat
    private let trust: TrustStore
    let membership: MembershipService
    let links: PeerLinks
    let clock: any TimeSource
    let audit: any AuditTrail
    private let logger: Logger
    let state: Mutex<State>
    let drains = Atomic<Int>(0)
    /// When to ask a node again that could not list its models.
    private let askAgain = Mutex<[NodeID: MonotonicInstant]>([:])
    let waking = WakeCall()
    private let onReturn = Callback<NodeID>()
    private let onRefresh = Callback<Void>()
    /// Held while what is known is put together, so that no older picture takes the place of a newer one.
    private let refreshing = Mutex(())
    /// Something that nodes are told or people are shown may have changed.
    private let changes: AsyncStream<Void>
    let changed: AsyncStream<Void>.Continuation
    /// There are nodes whose models are not known.
    private let modelsWanted: AsyncStream<Void>
    private let wantModels: AsyncStream<Void>.Continuation

    /// Changes within this time are told together.
    static let gathering = Duration.milliseconds(100)
    /// Between two polls for what nothing reports.
    static let pause = Duration.seconds(5)
    /// The same while the engine is not ready, whose return others wait for.
    static let pauseWhileLoading = Duration.milliseconds(250)
    static let pauseWhileDown = Duration.seconds(1)
    /// How long a node that cannot be reached counts as present because it connected by itself; longer than it waits
    /// between two attempts.
    static let greetingLife = Duration.seconds(120)
    /// Before a node that could not list its models is asked again.
    static let modelsPause = Duration.seconds(1)

    package init(
        ownName: NodeName, ownID: NodeID, level: @escaping @Sendable () -> Double, isCell: Bool,
        clientAddress: @escaping @Sendable () -> HTTPAddress? = { nil },
        machine: @escaping @Sendable () -> MachineFacts? = { nil }, version: String,
        protocols: ProtocolVersions,
        engine: any EngineStatusSource, seat: EngineSeat, trust: TrustStore, membership: MembershipService,
        links: PeerLinks, clock: any TimeSource, audit: any AuditTrail, logger: Logger
    ) {
        self.ownName = ownName
        self.ownID = ownID
        self.level = level
        self.isCell = isCell
        self.clientAddress = clientAddress
        self.machine = machine
        self.version = version
        self.engine = engine
        self.seat = seat
        self.trust = trust
        self.membership = membership
        self.links = links
        self.clock = clock
        self.audit = audit
        self.logger = logger
        var generator = SystemRandomNumberGenerator()
        let own = PeerModels(catalogue: generator.next() >> 12, models: [])
        state = Mutex(State(names: PeerNames(own: ownName), ownProtocols: protocols, own: (own, nil)))
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (modelsWanted, wantModels) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        seat.whenLoadChanged { [changed] in changed.yield() }
    }

    // MARK: Queries

    /// The peers as they are known now, without this node: nodes first, by name.
    package func peers() -> [PeerView] {
        state.withLock { state in state.entries.values.sorted { $0.name < $1.name } + state.plain }
    }

    /// Whether a copy of this node was noticed lately.
    package var isCloned: Bool { state.withLock { $0.cloned[ownID] != nil } }

    /// Since when new prompts are to go elsewhere; `nil` when they are not.
    package var drainingSince: MonotonicInstant? { state.withLock { $0.drainingSince } }

    func ownModels() -> PeerModels { state.withLock { $0.own.models } }

    // MARK: Keeping fresh

    /// Runs until cancelled.
    ///
    /// - Parameter onReturn: Called with each node that is back, or whose engine is.
    package func run(onReturn: @escaping @Sendable (NodeID) -> Void) async {
        self.onReturn.set(onReturn)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.followChanges() }
            group.addTask { await self.lookNowAndThen() }
            // Apart from the others, because a node that hangs must not keep this one from telling its own state.
            group.addTask { await self.keepModels() }
        }
    }

    /// - Parameter onRefresh: Called whenever what is known was put together anew, changed or not; must not wait.
    package func whenRefreshed(_ onRefresh: @escaping @Sendable () -> Void) { self.onRefresh.set(onRefresh) }

    /// The engine's state, its models, its load or the level may have changed. Never waits.
    package func noteOwnChange() { changed.yield() }

    private func followChanges() async {
        for await _ in changes {
            declareLoad()
            refresh()
            do { try await clock.sleep(for: Self.gathering) } catch { return }
        }
    }

    private func lookNowAndThen() async {
        while !Task.isCancelled {
            changed.yield()
            do { try await clock.sleep(forAbout: pauseForEngine) } catch { return }
        }
    }

    private var pauseForEngine: Duration {
        let status = engine.status()
        guard status.kind != nil else { return Self.pause }
        return switch status.health {
        case .ready: Self.pause
        case .loading: Self.pauseWhileLoading
        case .down: Self.pauseWhileDown
        }
    }

    private func keepModels() async {
        await withDiscardingTaskGroup { group in
            var awaited: MonotonicInstant?
            for await _ in modelsWanted {
                await fetchModels()
                guard let again = askAgain.withLock({ $0.values.min() }), again != awaited else { continue }
                awaited = again
                group.addTask {
                    do { try await self.clock.sleep(until: again, tolerance: nil) } catch { return }
                    self.wantModels.yield()
                }
            }
        }
    }

    func declareLoad() {
        let status = engine.status()
        let hasLeft = membership.hasLeft
        let load = state.withLock { state -> PeerLoad? in
            if state.slumber == .asleep, !hasLeft { state.slumber = .awake }
            if state.own.models.models != status.models {
                state.own.models = PeerModels(
                    catalogue: state.own.models.catalogue + 1, models: status.models)
            }
            let load = PeerLoad(
                name: ownName, version: version, protocols: state.ownProtocols,
                catalogue: state.own.models.catalogue, loading: status.health == .loading,
                resident: PeerLoad.fitting(status.resident), slots: max(1, status.slots),
                outstanding: status.active + status.queued, level: level(), isCell: isCell ? true : nil,
                isDraining: state.drainingSince == nil ? nil : true, engineDown: status.whyDown,
                clientAddress: clientAddress()?.description, fallsAsleep: state.slumber == .awake ? nil : true,
                machine: machine())
            guard load != state.own.load else { return nil }
            state.own.load = load
            return load
        }
        guard let load, let bytes = try? JSONBody.encode(load) else { return }  // these few fields always encode
        guard !membership.setPayload(bytes) else { return }
        logger.warning("kin are not told how this node is: that is too long", metadata: ["bytes": "\(bytes.count)"])
    }

    /// Puts together what is known, and says what has changed.
    package func refresh() {
        let (changes, wantsModels) = refreshing.withLock { _ in
            let members = Dictionary(
                membership.snapshot().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
            let peers = trust.peers()
            let declared = newDeclarations(of: members)
            let now = clock.now
            return state.withLock { state in
                state.dropOldClones(now: now)
                let changes = Self.update(&state, peers: peers, members: members, declared: declared, now: now)
                if changes.contains(where: \.drains) { drains.add(1, ordering: .relaxed) }
                return (changes, !state.lackingModels.isEmpty)
            }
        }
        if wantsModels { wantModels.yield() }
        for change in changes {
            let metadata: Logger.Metadata = ["peer": "\(change.name)", "state": "\(change.words)"]
            if change.isGood {
                logger.info("peer is up", metadata: metadata)
            } else if change.words == PeerView.State.asleep(since: nil).word {
                logger.info("peer sleeps", metadata: metadata)
            } else {
                logger.warning("peer is not up", metadata: metadata)
            }
        }
        for change in changes where change.isGood { onReturn(change.id) }
        onRefresh(())
    }

    /// Reads what has not been read before: outside of the lock that every dispatch takes.
    private func newDeclarations(of members: [NodeID: Member]) -> [NodeID: Declared] {
        let known = state.withLock { $0.loads.mapValues(\.payload) }
        return members.filter { known[$0] != $1.payload }.mapValues { member in
            Declared(payload: member.payload, load: try? JSONBody.decode(PeerLoad.self, from: member.payload))
        }
    }

    private struct Change: Sendable {
        var id: NodeID
        var name: NodeName
        var words: String
        var isGood: Bool
        var drains: Bool
    }

    private static func update(
        _ state: inout State, peers: [PeerRecord], members: [NodeID: Member], declared: [NodeID: Declared],
        now: MonotonicInstant
    ) -> [Change] {
        var changes: [Change] = []
        var entries: [NodeID: PeerView] = [:]
        for peer in peers {
            let member = members[peer.id]
            if let declared = declared[peer.id] { state.loads[peer.id] = (declared.payload, declared.load, now) }
            let entry = PeerView(
                peer, member: member,
                name: state.names.name(for: peer.id, wanted: peer.nickname ?? peer.name), known: state, now: now)
            entries[peer.id] = entry
            if state.knownSince[peer.id] == nil { state.knownSince[peer.id] = now }
            guard let before = state.entries[peer.id] else { continue }
            if case .unknown = entry.state { continue }  // it was just paired, and is heard from soon
            let isGood = entry.state == .up
            let isEngineBack = isGood && before.load?.engineDown != nil && entry.load?.engineDown == nil
            let drains = isGood && before.load?.isDraining != true && entry.load?.isDraining == true
            guard before.state.differs(from: entry.state) || isEngineBack || drains else { continue }
            let words = drains ? "draining" : isEngineBack ? "its engine answers again" : entry.state.word
            changes.append(
                Change(id: peer.id, name: entry.name, words: words, isGood: isGood && !drains, drains: drains))
        }
        for gone in state.entries.keys where entries[gone] == nil { state.dropNotes(of: gone) }
        state.entries = entries
        return changes
    }

    /// Asks the nodes whose current catalogue is not known.
    private func fetchModels() async {
        let now = clock.now
        let notYet = askAgain.withLock { askAgain in
            askAgain = askAgain.filter { now < $0.value }
            return askAgain
        }
        let wanted = state.withLock { $0.lackingModels }.filter { notYet[$0] == nil }
        guard !wanted.isEmpty else { return }
        await withDiscardingTaskGroup { group in
            for id in wanted { group.addTask { await self.fetchModels(of: id) } }
        }
        refresh()
    }

    private func fetchModels(of id: NodeID) async {
        do {
            let link = try await links.link(to: id, at: membership.addresses(of: id))
            let models = try await link.models(limit: .seconds(2))
            state.withLock { state in
                guard state.entries[id] != nil else { return }
                state.models[id] = models
            }
        } catch {
            askAgain.withLock { $0[id] = clock.now + Self.modelsPause }
            logger.debug("models not fetched", metadata: ["peer": "\(id.short)", "reason": "\(error)"])
        }
    }
}
