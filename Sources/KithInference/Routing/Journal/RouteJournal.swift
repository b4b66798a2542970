// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// The last requests that were placed and what became of them, in memory and bounded.
package final class RouteJournal: Sendable {
    package static let capacity = 256

    private struct Ring {
        var records: [RouteRecord] = []
        var next = 0
    }

    private let ring = Mutex(Ring())
    private let onNote = Callback<RouteRecord>()

    package init() {}

    /// - Parameter onNote: Told of each request from now on, by the task that ends it; must not wait.
    package func whenNoted(_ onNote: @escaping @Sendable (RouteRecord) -> Void) {
        self.onNote.set(onNote)
    }

    package func note(_ record: RouteRecord) {
        ring.withLock { ring in
            if ring.records.count < Self.capacity {
                ring.records.append(record)
            } else {
                ring.records[ring.next] = record
                ring.next = (ring.next + 1) % Self.capacity
            }
        }
        onNote(record)
    }

    /// The newest first.
    package func recent(_ count: Int = RouteJournal.capacity) -> [RouteRecord] {
        ring.withLock { ring in
            let inOrder = ring.records[ring.next...] + ring.records[..<ring.next]
            return Array(inOrder.reversed().prefix(max(0, count)))
        }
    }
}
