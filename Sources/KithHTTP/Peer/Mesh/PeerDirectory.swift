// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithInference
package import KithMembership
package import KithModel
package import Logging
import Synchronization

/// Shows the peers to the router and to people: who they are from the trust book, how they are from membership.
///
/// Everything is answered from memory; ``run(onReturn:)`` keeps it fresh.
package final class PeerDirectory: Sendable {
    struct State: Sendable {
        var entries: [NodeID: PeerEntry] = [:]
        var names: PeerNames
        /// Plain seed-style services.
        var plain: [PeerEntry] = []
        /// How those are reached.
        var plainEndpoints: [PeerEndpoint] = []
        /// What stands in the way of those who are not up.
        var failures: [NodeID: LinkFailure] = [:]
        let ownProtocols: ProtocolVersions
        /// What each said in its last greeting, and when.
        var greetings: [NodeID: (protocols: ProtocolVersions, heard: Moment)] = [:]
        /// When two lives of a node were noticed last.
        var cloned: [NodeID: Moment] = [:]
        /// Friends' nodes that answered when they were looked for last.
        var met: [NodeID: (at: Moment, roundTrip: Duration)] = [:]
        var models: [NodeID: PeerModels] = [:]
        /// What each declared last, when that came, and the bytes it was read from: they are looked at often and change
        /// seldom.
        var loads: [NodeID: (payload: [UInt8], load: PeerLoad?, at: Moment)] = [:]
        var own: (models: PeerModels, load: PeerLoad?)
        /// Since when new prompts are to go elsewhere; `nil` when they are not.
        var drainingSince: Moment?

        /// A copy is noticed at least once a minute while it runs; one that was stopped is no news after three.
        mutating func dropOldClones(now: Moment) { cloned = cloned.filter { now - $0.value < .seconds(180) } }

        /// Nothing is kept of those who are trusted no more.
        mutating func dropNotes(of id: NodeID) {
            names.remove(id)
            failures[id] = nil
            greetings[id] = nil
            cloned[id] = nil
            met[id] = nil
            models[id] = nil
            loads[id] = nil
        }

        /// Reads what a node declared, unless that is what was read before.
        mutating func noteLoad(of member: Member, now: Moment) {
            guard loads[member.id]?.payload != member.payload else { return }
            let load = try? JSONBody.decode(PeerLoad.self, from: member.payload)  // `nil` until it has told
            loads[member.id] = (member.payload, load, now)
        }
    }

    let ownName: NodeName
    let ownID: NodeID
    let level: @Sendable () -> Double
    private let isCell: Bool
    private let version: String
    let engine: any EngineStatusSource
    let localEngine: LocalEngine?
    private let trust: TrustBook
    let membership: MembershipService
    let links: PeerLinks
    let clock: any TimeSource
    let audit: any AuditTrail
    private let logger: Logger
    let state: Mutex<State>
    /// Whoever could not say its models is asked again from then on.
    private let askAgain = Mutex<[NodeID: Moment]>([:])
    private let onReturn = Callback<NodeName>()

    /// Between two looks at what this node has to tell.
    static let pause = Duration.milliseconds(250)
    /// How long a node that cannot be found is there because it came by itself; longer than it waits between two attempts.
    static let greetingLife = Duration.seconds(120)
    /// Before a node that could not say its models is asked again.
    static let modelsPause = Duration.seconds(1)

    package init(
        ownName: NodeName, ownID: NodeID, level: @escaping @Sendable () -> Double, isCell: Bool, version: String,
        protocols: ProtocolVersions,
        engine: any EngineStatusSource, localEngine: LocalEngine?, trust: TrustBook, membership: MembershipService,
        links: PeerLinks, clock: any TimeSource, audit: any AuditTrail, logger: Logger
    ) {
        self.ownName = ownName
        self.ownID = ownID
        self.level = level
        self.isCell = isCell
        self.version = version
        self.engine = engine
        self.localEngine = localEngine
        self.trust = trust
        self.membership = membership
        self.links = links
        self.clock = clock
        self.audit = audit
        self.logger = logger
        var generator = SystemRandomNumberGenerator()
        let own = PeerModels(catalogue: generator.next() >> 12, models: [])
        state = Mutex(State(names: PeerNames(own: ownName), ownProtocols: protocols, own: (own, nil)))
    }

    // MARK: Asking

    /// The peers as they are known now, without this node: nodes first, by name.
    package func peers() -> [PeerEntry] {
        state.withLock { state in state.entries.values.sorted { $0.name < $1.name } + state.plain }
    }

    /// Whether a copy of this node was noticed lately.
    package var isCloned: Bool { state.withLock { $0.cloned[ownID] != nil } }

    /// Since when new prompts are to go elsewhere; `nil` when they are not.
    var drainingSince: Moment? { state.withLock { $0.drainingSince } }

    func ownModels() -> PeerModels { state.withLock { $0.own.models } }

    // MARK: Keeping fresh

    /// Runs until cancelled.
    ///
    /// - Parameter onReturn: Told of each node that is back.
    package func run(onReturn: @escaping @Sendable (NodeName) -> Void) async {
        self.onReturn.set(onReturn)
        await withDiscardingTaskGroup { group in
            group.addTask {
                await self.everyPause {
                    self.declareLoad()
                    self.refresh()
                }
            }
            // Beside the other, because a node that hangs must not keep this one from saying how it is.
            group.addTask { await self.everyPause { await self.fetchModels() } }
        }
    }

    private func everyPause(_ work: @Sendable () async -> Void) async {
        while !Task.isCancelled {
            await work()
            do { try await clock.sleep(for: Self.pause) } catch { return }
        }
    }

    func declareLoad() {
        let status = engine.status()
        let load = state.withLock { state -> PeerLoad? in
            if state.own.models.models != status.models {
                state.own.models = PeerModels(
                    catalogue: state.own.models.catalogue + 1, models: status.models)
            }
            let load = PeerLoad(
                name: ownName, version: version, protocols: state.ownProtocols,
                catalogue: state.own.models.catalogue, loading: status.health == .loading, slots: max(1, status.slots),
                outstanding: status.active + status.queued, level: level(), isCell: isCell ? true : nil,
                isDraining: state.drainingSince == nil ? nil : true)
            guard load != state.own.load else { return nil }
            state.own.load = load
            return load
        }
        guard let load, let bytes = try? JSONBody.encode(load) else { return }  // these few fields always encode
        membership.setPayload(bytes)
    }

    /// Puts together what is known, and says what has changed.
    package func refresh() {
        let members = Dictionary(
            membership.snapshot().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let peers = trust.peers()
        let now = clock.now
        let changes = state.withLock { state in
            state.dropOldClones(now: now)
            return Self.update(&state, peers: peers, members: members, now: now)
        }
        for change in changes {
            let metadata: Logger.Metadata = ["peer": "\(change.name)", "state": "\(change.words)"]
            if change.isGood {
                logger.info("peer is up", metadata: metadata)
            } else {
                logger.warning("peer is not up", metadata: metadata)
            }
        }
        for change in changes where change.isGood { onReturn(change.name) }
    }

    private struct Change: Sendable {
        var name: NodeName
        var words: String
        var isGood: Bool
    }

    private static func update(
        _ state: inout State, peers: [PeerRecord], members: [NodeID: Member], now: Moment
    ) -> [Change] {
        var changes: [Change] = []
        var entries: [NodeID: PeerEntry] = [:]
        for peer in peers {
            let member = members[peer.id]
            if let member { state.noteLoad(of: member, now: now) }
            let entry = PeerEntry(
                peer, member: member,
                name: state.names.name(for: peer.id, wanted: peer.nickname ?? peer.name), known: state, now: now)
            entries[peer.id] = entry
            guard let before = state.entries[peer.id], before.state != entry.state else { continue }
            let isGood = entry.state == .up
            changes.append(Change(name: entry.name, words: entry.state.word, isGood: isGood))
        }
        for gone in state.entries.keys where entries[gone] == nil { state.dropNotes(of: gone) }
        state.entries = entries
        return changes
    }

    /// Asks those whose catalogue is not the one that is known.
    private func fetchModels() async {
        let now = clock.now
        let notYet = askAgain.withLock { askAgain in
            askAgain = askAgain.filter { now < $0.value }
            return askAgain
        }
        let wanted = state.withLock { state in
            state.entries.values.compactMap { entry -> NodeID? in
                guard let id = entry.id, entry.state == .up, let load = entry.load,
                    state.models[id]?.catalogue != load.catalogue, notYet[id] == nil
                else { return nil }
                return id
            }
        }
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
