// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The replicated log in a node's database.
package struct StoredLog: SharedLogStore {
    private let store: Store

    package init(_ store: Store) { self.store = store }

    package func logSnapshot() async throws(StateRefusal) -> LogSnapshot {
        do { return try await store.logSnapshot() } catch { throw StateRefusal(error) }
    }

    package func commit(_ transition: LogTransition, deliveries: [DeliveryKey]) async throws(StateRefusal) {
        do { try await store.commit(transition, deliveries: deliveries) } catch { throw StateRefusal(error) }
    }

    package func isDelivered(_ key: DeliveryKey) async throws(StateRefusal) -> Bool {
        do { return try await store.isDelivered(key) } catch { throw StateRefusal(error) }
    }
}

extension StateRefusal {
    fileprivate init(_ error: StoreError) {
        switch error.code {
        case .full: self.init(.diskFull, "the disk is full: nothing was written", cause: error)
        case .closed: self.init(.closed, "the node is stopping", cause: error)
        case .refused, .limitReached: self.init(.limitReached, error.message, cause: error)
        default: self.init(.unavailable, "the state cannot be written: \(error.message)", cause: error)
        }
    }
}
