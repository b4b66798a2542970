// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithStore
import Logging
import Synchronization

/// Writes that wait for an upstream: in the store, so that they outlive the bridge; their places in memory, so that asking
/// whether there are any never waits.
final class WriteQueue: Sendable {
    static let limit = 1_000
    /// Every upstream is as good as another, so there is one queue.
    private static let name = "cell"

    private struct State {
        /// `nil` until the store has been asked.
        var places: Set<Int64>?
        /// What the last of them sets, as far as this instance of the bridge knows.
        var level: Double?
    }

    private let store: Store
    private let logger: Logger
    private let state = Mutex(State())

    init(store: Store, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// Finds out what an earlier instance left. Does nothing once it is known.
    func restore() async {
        guard state.withLock({ $0.places == nil }) else { return }
        do {
            let writes = try await store.queuedWrites(for: Self.name, limit: Self.limit)
            state.withLock { state in
                state.places = (state.places ?? []).union(writes.map(\.id))
                if let last = writes.last { state.level = state.level ?? ForwardedSync.level(in: last.body) }
            }
        } catch {
            logger.error("queued writes cannot be read", metadata: ["reason": "\(error)"])
        }
    }

    var count: Int { state.withLock { $0.places?.count ?? 0 } }

    /// Whether a write that comes now would overtake no other. `false` while it is unknown what waits.
    var isEmpty: Bool { state.withLock { $0.places?.isEmpty ?? false } }

    /// What the upstream's level will be when all that waits has arrived.
    var pendingLevel: Double? { state.withLock { $0.level } }

    /// - Parameter level: What the write sets.
    /// - Throws: `StoreError`.
    func add(_ body: [UInt8], key: DeliveryKey, level: Double) async throws(StoreError) {
        let place = try await store.enqueue(
            QueuedWrite(upstream: Self.name, deliveryKey: key, body: body, queuedAt: .now()), limit: Self.limit)
        state.withLock { state in
            state.places?.insert(place)
            state.level = level
        }
    }

    /// The write that is to be sent next.
    ///
    /// - Throws: `StoreError`.
    func first() async throws(StoreError) -> QueuedWrite? {
        let known = state.withLock { $0.places ?? [] }
        guard let first = try await store.queuedWrites(for: Self.name, limit: 1).first else {
            state.withLock { $0.places?.subtract(known) }
            return nil
        }
        return first
    }

    /// - Throws: `StoreError`.
    func remove(_ write: QueuedWrite) async throws(StoreError) {
        try await store.removeQueuedWrite(write.id)
        state.withLock { state in
            state.places?.remove(write.id)
            if state.places?.isEmpty == true { state.level = nil }
        }
    }
}

/// Sends the waiting writes, in order and one at a time, whenever there is an upstream.
struct QueueReplay: Sendable {
    let queue: WriteQueue
    let upstreams: BridgeUpstreams
    let counters: BridgeCounters
    let logger: Logger

    /// Runs until cancelled.
    ///
    /// - Parameter signals: Tells when it may be worth a try.
    func run(on signals: AsyncStream<Void>) async {
        for await _ in signals {
            await queue.restore()
            await drain()
        }
    }

    private func drain() async {
        var sent = 0
        do {
            while !queue.isEmpty, !Task.isCancelled, let write = try await queue.first(), try await deliver(write) {
                sent += 1
            }
        } catch is CancellationError {
        } catch {
            logger.error("queued writes cannot be sent on", metadata: ["reason": "\(error)"])
        }
        guard sent > 0 else { return }
        logger.notice("queued writes sent on", metadata: ["count": "\(sent)", "left": "\(queue.count)"])
    }

    /// - Returns: Whether the write is finished.
    /// - Throws: `StoreError`; `CancellationError`.
    private func deliver(_ write: QueuedWrite) async throws -> Bool {
        let call = CellCall(.sync, body: write.body, delivery: write.deliveryKey, limit: BridgeLimits.sync)
        guard let (id, result) = try await upstreams.ask(call) else { return false }
        switch result {
        case .success:
            counters.count { $0.replayed += 1 }
            try await queue.remove(write)
            return true
        case .failure(let problem) where problem.kind == .refused:
            // It would be refused for ever, and hold up all that come after it.
            counters.count { $0.dropped += 1 }
            logger.warning(
                "queued write dropped",
                metadata: ["upstream": "\(upstreams.label(id))", "reason": "\(problem)", "place": "\(write.id)"])
            try await queue.remove(write)
            return true
        case .failure: return false
        }
    }
}

/// The body of `POST /sync-consciousness` as a bridge sends it on.
struct ForwardedSync: Encodable {
    /// The source, where none is named.
    static let defaultSource = "vscode-agent-laptop"

    var level: Double
    /// An object, also when there is nothing to say.
    var context: JSONObject
    var source: String

    /// Reads the level of a body that was kept.
    static func level(in body: [UInt8]) -> Double? {
        struct Level: Decodable { var level: Double }
        return try? JSONBody.decode(Level.self, from: body).level  // an unreadable body is dropped when it is sent
    }
}
