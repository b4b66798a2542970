// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// Puts a write at the end of its upstream's queue; on disk when it returns. One whose delivery key waits for that
    /// upstream already is not put there again.
    ///
    /// - Parameter limit: How many may wait, for all upstreams together.
    /// - Returns: Its place.
    /// - Throws: ``StoreError`` with ``StoreError/Code/limitReached``, or ``StoreError/Code/refused`` for a write that is
    ///   empty or longer than ``QueuedWrite/bodyLimit``.
    @discardableResult
    package func enqueue(_ queued: QueuedWrite, limit: Int) async throws(StoreError) -> Int64 {
        try await write { db in
            if let id = try QueuedWriteRow.id(upstream: queued.upstream, key: queued.deliveryKey, in: db) { return id }
            guard try QueuedWriteRow.count(db) < limit else {
                throw StoreError(
                    .limitReached, "\(limit) writes wait until they can be sent on; no more are taken before then.")
            }
            return try QueuedWriteRow.insert(queued, in: db)
        }
    }

    /// The first of an upstream's queue, the oldest first.
    ///
    /// - Parameter limit: How many at most.
    package func queuedWrites(for upstream: String, limit: Int) async throws(StoreError) -> [QueuedWrite] {
        try await read { db in try QueuedWriteRow.fetch(upstream: upstream, limit: max(0, limit), in: db) }
    }

    /// Does nothing when there is none at this place.
    package func removeQueuedWrite(_ id: Int64) async throws(StoreError) {
        try await write { db in try QueuedWriteRow.delete(id, in: db) }
    }

    /// How many wait, for all upstreams together.
    package func queuedWriteCount() async throws(StoreError) -> Int {
        try await read { db in try QueuedWriteRow.count(db) }
    }
}
