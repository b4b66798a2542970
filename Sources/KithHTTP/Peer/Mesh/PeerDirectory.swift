// SPDX-License-Identifier: Apache-2.0

package import KithInference
package import KithModel
package import KithTransport
package import Logging
import Synchronization

/// Keeps in touch with the peers and shows them to the router, this node first.
package final class PeerDirectory: Mesh {
    /// Between two looks at a kin: a node that returns is used again within two seconds.
    package static let probePause = Duration.seconds(1)

    private let ownName: NodeName
    private let level: Double
    private let engine: any EngineStatusSource
    private let localEngine: LocalEngine?
    private let clock: any TimeSource
    private let logger: Logger
    private let clients: [PeerClient]
    private let book: Mutex<PeerBook>
    package let boot: String

    package init(
        ownName: NodeName, level: Double, engine: any EngineStatusSource, localEngine: LocalEngine?,
        endpoints: [PeerEndpoint], meshKey: Secret?, upstream: UpstreamClient, clock: any TimeSource, logger: Logger
    ) {
        self.ownName = ownName
        self.level = level
        self.engine = engine
        self.localEngine = localEngine
        self.clock = clock
        self.logger = logger
        clients = endpoints.map { PeerClient(endpoint: $0, key: meshKey, upstream: upstream) }
        boot = RequestID.random().rawValue
        book = Mutex(PeerBook(endpoints: endpoints, ownName: ownName, ownBoot: boot))
    }

    /// The peers as they are known now, without this node.
    package func peers() -> [PeerBook.Entry] { book.withLock { $0.entries } }

    /// What this node tells its kin about itself.
    package func ownStatus(version: String) -> PeerWire.Status {
        let status = engine.status()
        return PeerWire.Status(
            name: ownName, version: version, wire: PeerWire.version, boot: boot,
            loading: status.health == .loading, models: status.models,
            slots: max(1, status.slots), outstanding: status.active + status.queued, level: level)
    }

    // MARK: Mesh

    package func snapshots() -> [NodeSnapshot] {
        let status = engine.status()
        let own = NodeSnapshot(
            name: ownName, isSelf: true, models: status.models,
            isLoading: status.health == .loading, slots: status.slots, outstanding: status.active + status.queued,
            level: level, takenAt: clock.now)
        return [own] + book.withLock { $0.snapshots() }
    }

    package func backend(for node: NodeName) -> (any Answering)? {
        if node == ownName { return localEngine }
        return book.withLock { $0.index(of: node) }.map { clients[$0] }
    }

    package func report(_ failure: ChatFailure, from node: NodeName) {
        guard node != ownName, failure.code == .unreachable || failure.code == .interrupted else { return }
        let change = book.withLock { book in
            book.index(of: node).map { book.failed($0, why: failure.code.rawValue) }
        }
        note(change ?? .none, onReturn: { _ in })
    }

    // MARK: Probing

    /// Looks at every kin again and again until the task is cancelled; one that hangs delays no other.
    ///
    /// - Parameter onReturn: Told of each node that is back.
    package func run(onReturn: @escaping @Sendable (NodeName) -> Void) async {
        let kin = peers().indices.filter { peers()[$0].endpoint.tier == .kin }
        await withDiscardingTaskGroup { group in
            for index in kin {
                group.addTask { await self.watch(index, onReturn: onReturn) }
            }
        }
    }

    private func watch(_ index: Int, onReturn: @Sendable (NodeName) -> Void) async {
        while !Task.isCancelled {
            await probe(index, onReturn: onReturn)
            do { try await clock.sleep(for: Self.probePause) } catch { return }
        }
    }

    private func probe(_ index: Int, onReturn: @Sendable (NodeName) -> Void) async {
        let started = clock.now
        do {
            let status = try await clients[index].status()
            let now = clock.now
            let change = book.withLock { $0.answered(index, with: status, latency: now - started, now: now) }
            note(change, onReturn: onReturn)
        } catch let failure as ChatFailure {
            note(book.withLock { $0.failed(index, why: Self.words(for: failure)) }, onReturn: onReturn)
        } catch {
            // Cancelled, as the node stops; a client throws nothing else.
            logger.debug("probe ended", metadata: ["reason": "\(error)"])
        }
    }

    private static func words(for failure: ChatFailure) -> String {
        switch failure.code {
        case .unauthorized: "mesh key refused"
        case .invalidAnswer: "not a kith node, or one without a mesh key"
        default: failure.code.rawValue
        }
    }

    private func note(_ change: PeerBook.Change, onReturn: (NodeName) -> Void) {
        switch change {
        case .none: break
        case .appeared(let name): logger.info("peer is up", metadata: ["peer": "\(name)"])
        case .returned(let name):
            logger.info("peer is back", metadata: ["peer": "\(name)"])
            onReturn(name)
        case .left(let name, let why):
            logger.warning("peer is down", metadata: ["peer": "\(name)", "reason": "\(why)"])
        case .alias(let name):
            logger.warning("two addresses lead to one node; one is not used", metadata: ["node": "\(name)"])
        }
    }
}
