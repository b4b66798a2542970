// SPDX-License-Identifier: Apache-2.0

import KithModel
package import Logging
import Synchronization

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

    /// Keeps watch over the upstreams, sends on what waits, and asks the discovery services, until cancelled.
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

    /// Wakes whoever sends on what waits, when both is there.
    func look() {
        if !queue.isEmpty, upstreams.book.best(now: services.clock.now) != nil { signal.yield() }
    }

    // MARK: Reading

    /// When the bridge went into the mode that it is in.
    var since: WallTime { modeSince.value }

    /// The mode as an event, for whoever begins to follow.
    var currentMode: NodeEvent {
        NodeEvent(.bridge, at: since, ["mode": .string(upstreams.book.mode.rawValue)])
    }

    /// The upstream that clients mean when they speak of the desktop.
    var primaryLabel: String {
        upstreams.book.primary.map { upstreams.label($0.id) } ?? "none: no cell is configured, and no kin is one"
    }

    /// What the upstream's level is as far as this side knows, before a write that it has not seen.
    func lastLevel(of entry: UpstreamEntry?) -> Double {
        if let pending = queue.pendingLevel { return pending }
        if case .kin(let node) = entry?.id, let known = services.state.level(of: .node(node)) { return known.level }
        return entry?.health?.level ?? services.local.health().level
    }
}

/// When the mode last changed, in the machine's time.
final class ModeClock: Sendable {
    private let state = Mutex(WallTime.now())

    var value: WallTime { state.withLock { $0 } }

    func restart() -> WallTime {
        let now = WallTime.now()
        state.withLock { $0 = now }
        return now
    }
}
