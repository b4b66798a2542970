// SPDX-License-Identifier: Apache-2.0

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
        /// What the last of them sets, as far as this life of the bridge knows.
        var level: Double?
    }

    private let store: Store
    private let logger: Logger
    private let state = Mutex(State())

    init(store: Store, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// Finds out what an earlier life left. Does nothing once it is known.
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

    /// Whether a write that comes now may overtake none. Not while it is unknown what waits.
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
