// SPDX-License-Identifier: Apache-2.0

package import KithModel
import KithTransport
import NIOCore

/// What a bridge asks of a cell.
package struct CellCall: Sendable {
    package enum Kind: Sendable { case health, assist, sync }

    package var kind: Kind
    /// JSON; `nil` for ``Kind/health``.
    package var body: [UInt8]?
    /// So that a write counts once, however often it is sent.
    package var delivery: DeliveryKey?
    /// For the whole of it.
    package var limit: Duration

    package init(_ kind: Kind, body: [UInt8]? = nil, delivery: DeliveryKey? = nil, limit: Duration) {
        self.kind = kind
        self.body = body
        self.delivery = delivery
        self.limit = limit
    }

    /// Bytes of an answer.
    static let answerLimit = 1 << 20
    /// For the connection alone.
    static let connectLimit = Duration.seconds(1)
    static let deliveryHeader = "Idempotency-Key"

    var buffer: ByteBuffer? { body.map { ByteBuffer(bytes: $0) } }

    var limits: UpstreamLimits {
        UpstreamLimits(
            connect: min(limit, Self.connectLimit), firstByte: limit, stall: limit, bodyBytes: Self.answerLimit)
    }
}
