// SPDX-License-Identifier: Apache-2.0

/// A write to the shared state that waits until its upstream can be reached.
package struct QueuedWrite: Hashable, Sendable {
    /// Bytes of ``upstream``.
    package static let upstreamLimit = 512
    /// Bytes of ``body``.
    package static let bodyLimit = 256 * 1_024

    /// Its place in the queue, given by the store; 0 before it has one. Never given twice.
    package var id: Int64
    /// For whom it waits: one queue each.
    package var upstream: String
    package var deliveryKey: DeliveryKey
    /// What is sent.
    package var body: [UInt8]
    package var queuedAt: WallTime

    package init(id: Int64 = 0, upstream: String, deliveryKey: DeliveryKey, body: [UInt8], queuedAt: WallTime) {
        self.id = id
        self.upstream = upstream
        self.deliveryKey = deliveryKey
        self.body = body
        self.queuedAt = queuedAt
    }
}
