// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithServer
package import KithStore
package import KithTransport
package import KithVault
package import Logging
import Synchronization

/// What a bridge works with.
package struct BridgeServices: Sendable {
    /// Cells that the owner configured, the best first.
    package var addresses: [HTTPAddress]
    /// The kin that are cells; asked several times a second, from memory.
    package var kin: @Sendable () -> [KinCell]
    package var client: UpstreamClient
    /// What answers here when no upstream does.
    package var local: any CellAnswering
    package var state: any SharedState
    package var store: Store
    package var events: EventHub
    package var access: AccessControl
    package var vault: @Sendable () async -> VaultStatusBody
    /// The cells of this node's own registry; `nil` without the role.
    package var registry: (@Sendable () -> [CellInfo])?
    /// Discovery services to ask in addition to it.
    package var discovery: [HTTPAddress]
    package var clock: any TimeSource

    package init(
        addresses: [HTTPAddress], kin: @escaping @Sendable () -> [KinCell], client: UpstreamClient,
        local: any CellAnswering, state: any SharedState, store: Store, events: EventHub, access: AccessControl,
        vault: @escaping @Sendable () async -> VaultStatusBody = { .unconfigured },
        registry: (@Sendable () -> [CellInfo])? = nil,
        discovery: [HTTPAddress] = [], clock: any TimeSource = MonotonicClock()
    ) {
        self.addresses = addresses
        self.kin = kin
        self.client = client
        self.local = local
        self.state = state
        self.store = store
        self.events = events
        self.access = access
        self.vault = vault
        self.registry = registry
        self.discovery = discovery
        self.clock = clock
    }
}

/// A running bridge: stands for a cell towards clients, and answers for itself while no cell can be reached.
package final class BridgeService: Sendable {
    let services: BridgeServices
    let upstreams: BridgeUpstreams
    let queue: WriteQueue
    let counters: BridgeCounters
    let watch: RegistryWatch
    let logger: Logger
    private let modeSince: ModeClock
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    package init(services: BridgeServices, logger: Logger) {
        self.services = services
        self.logger = logger
        let (counters, modeSince) = (BridgeCounters(), ModeClock())
        let news = BridgeNews(events: services.events, counters: counters, since: modeSince, logger: logger)
        self.counters = counters
        self.modeSince = modeSince
        queue = WriteQueue(store: services.store, logger: logger)
        watch = RegistryWatch(
            addresses: services.discovery, client: services.client, clock: services.clock, logger: logger)
        (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        upstreams = BridgeUpstreams(
            fixed: services.addresses.map { URLCell($0, client: services.client) },
            kin: services.kin, clock: services.clock
        ) { news.tell($0, label: $1) }
    }

    /// Watches the upstreams, sends the waiting writes, and asks the discovery services, until cancelled.
    package func run() async {
        await queue.restore()
        logger.info(
            "bridge begins", metadata: ["upstream": "\(primaryLabel)", "queued": "\(queue.count)"])
        await withDiscardingTaskGroup { group in
            group.addTask { await self.upstreams.run { self.look() } }
            group.addTask { await self.replay.run(on: self.signals) }
            group.addTask { await self.watch.run() }
        }
    }

    private var replay: QueueReplay {
        QueueReplay(queue: queue, upstreams: upstreams, counters: counters, logger: logger)
    }

    /// Wakes the task that sends the waiting writes, when there are some and an upstream for them.
    func look() {
        if !queue.isEmpty, upstreams.selector.best(now: services.clock.now) != nil { signal.yield() }
    }

    // MARK: Reading

    /// When the bridge went into the mode that it is in.
    var since: WallTime { modeSince.value }

    /// The mode as an event, for a client that begins to follow.
    var currentMode: NodeEvent {
        NodeEvent(.bridge, at: since, ["mode": .string(upstreams.selector.mode.rawValue)])
    }

    /// Its changes of mode, the latest first.
    var history: [ModeClock.Change] { modeSince.history }

    /// The upstream that clients mean when they speak of the desktop.
    var primaryLabel: String {
        upstreams.selector.primary.map { upstreams.label($0.id) } ?? "none: no cell is configured, and no kin is one"
    }

    /// What the upstream's level is as far as this side knows, before a write that it has not seen.
    func lastLevel(of entry: UpstreamEntry?) -> Double {
        if let pending = queue.pendingLevel { return pending }
        if case .kin(let node) = entry?.id, let known = services.state.level(of: .node(node)) { return known.level }
        return entry?.health?.level ?? services.local.health().level
    }
}

/// When the mode last changed, in the machine's time, and the modes before.
final class ModeClock: Sendable {
    static let historyLimit = 50

    struct Change: Sendable {
        var mode: BridgeMode
        var at: WallTime
        var reason: String?
    }

    private struct State {
        var since = WallTime.now()
        var changes: [Change] = []
    }

    private let state = Mutex(State())

    var value: WallTime { state.withLock(\.since) }

    /// The latest first, bounded.
    var history: [Change] { state.withLock { $0.changes.reversed() } }

    func changed(to mode: BridgeMode, reason: String?) -> WallTime {
        let now = WallTime.now()
        state.withLock { state in
            state.since = now
            state.changes.append(Change(mode: mode, at: now, reason: reason))
            if state.changes.count > Self.historyLimit { state.changes.removeFirst() }
        }
        return now
    }
}

/// Tells the log, the counters and the followers of events what happened to the upstreams.
struct BridgeNews: Sendable {
    let events: EventHub
    let counters: BridgeCounters
    let since: ModeClock
    let logger: Logger

    func tell(_ actions: [UpstreamAction], label: (UpstreamID) -> String) {
        for action in actions {
            switch action {
            case .cameUp(let id): logger.info("upstream is up", metadata: ["upstream": "\(label(id))"])
            case .wentDown(let id, let why):
                logger.warning("upstream is down", metadata: ["upstream": "\(label(id))", "reason": "\(why)"])
            case .setAside(let id, let why, let pause):
                counters.count { $0.setAside += 1 }
                logger.warning(
                    "upstream set aside",
                    metadata: [
                        "upstream": "\(label(id))", "reason": "\(why)", "seconds": "\(Int(pause.seconds.rounded()))",
                    ])
            case .mode(let mode, let reason): tell(mode, reason: reason)
            }
        }
    }

    private func tell(_ mode: BridgeMode, reason: String?) {
        let at = since.changed(to: mode, reason: reason)
        switch mode {
        case .healthy:
            counters.count { $0.toHealthy += 1 }
            logger.notice("bridge is healthy")
        case .degraded:
            counters.count { $0.toDegraded += 1 }
            logger.warning("bridge is degraded", metadata: ["reason": "\(reason ?? "")"])
        }
        var fields: JSONObject = ["mode": .string(mode.rawValue)]
        if let reason { fields["reason"] = .string(reason) }
        events.publish(NodeEvent(.bridge, at: at, fields))
    }
}

/// How long a client of the bridge waits at most, whatever the upstream does.
enum BridgeLimits {
    static let sync = Duration.seconds(3)
    /// For an answer about code, the bridge's own included.
    static let assist = Duration.seconds(25)
    /// Of ``assist``, what is left for the bridge's own answer when upstreams have used up the rest.
    static let ownAssist = Duration.seconds(5)
    /// Of ``ownAssist``, what is left for reading the code without an engine.
    static let reading = Duration.seconds(1)
    static let vault = Duration.seconds(5)
    /// Upstreams that are asked for one client's request.
    static let attempts = 3
    /// Bytes of a body with code.
    static let assistBody = 1 << 20
    /// Bytes of a body with a level and context: what is kept in the queue is little longer.
    static let syncBody = 192 << 10
}
