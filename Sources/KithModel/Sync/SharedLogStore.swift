// SPDX-License-Identifier: Apache-2.0

/// Keeps the replicated log on a disk.
package protocol SharedLogStore: Sendable {
    /// The whole log, at one point in time.
    func logSnapshot() async throws(StateRefusal) -> LogSnapshot

    /// Keeps what a step has changed and which deliveries it counted, all of it or nothing; on disk when it returns.
    func commit(_ transition: LogTransition, deliveries: [DeliveryKey]) async throws(StateRefusal)

    /// Whether a commit has counted this delivery, and it has not been forgotten since.
    func isDelivered(_ key: DeliveryKey) async throws(StateRefusal) -> Bool
}
