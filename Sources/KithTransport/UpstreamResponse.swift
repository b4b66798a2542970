// SPDX-License-Identifier: Apache-2.0

import KithModel
package import NIOCore
package import NIOHTTP1

/// A whole answer.
package struct UpstreamReply: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: ByteBuffer
}

/// An answer whose head has come and whose body is coming.
package struct UpstreamResponse: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: UpstreamBody
}

/// The pieces of a body as they arrive, each non-empty.
///
/// The connection is read only as fast as the pieces are taken. Iterate once; dropping the iterator, or cancelling the
/// task that waits for the next piece, closes the connection, which is how a server learns that nobody listens.
/// Throws ``ChatFailure`` with `interrupted`, `timeout` or `invalidAnswer`.
package struct UpstreamBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    typealias Producer = NIOThrowingAsyncSequenceProducer<
        ByteBuffer, any Error, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, UpstreamBodyDelegate
    >

    let producer: Producer
    let delegate: UpstreamBodyDelegate

    package struct AsyncIterator: AsyncIteratorProtocol {
        var base: Producer.AsyncIterator
        let delegate: UpstreamBodyDelegate

        package mutating func next() async throws -> ByteBuffer? { try await next(isolation: #isolation) }

        package mutating func next(isolation actor: isolated (any Actor)?) async throws -> ByteBuffer? {
            try await base.next(isolation: actor)
        }

        /// From now on no pause between two pieces may be longer.
        package func limitStalls(to limit: Duration) { delegate.limitStalls(to: limit) }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: producer.makeAsyncIterator(), delegate: delegate)
    }

    /// Waits for the whole body.
    ///
    /// - Throws: ``ChatFailure`` with `invalidAnswer` when it is longer than `limit` bytes.
    package func collect(upTo limit: Int) async throws -> ByteBuffer {
        var whole = ByteBuffer()
        for try await var piece in self {
            guard whole.readableBytes + piece.readableBytes <= limit else {
                throw ChatFailure(.invalidAnswer, "the answer is longer than \(limit) bytes")
            }
            whole.writeBuffer(&piece)
        }
        return whole
    }
}

/// Tells the connection when the reader of a body wants more, and when it has gone.
struct UpstreamBodyDelegate: NIOAsyncSequenceProducerDelegate {
    let eventLoop: any EventLoop
    let connection: NIOLoopBound<UpstreamConnection>

    func produceMore() { onLoop { $0.resumeReading() } }

    func didTerminate() { onLoop { $0.readerHasGone() } }

    func limitStalls(to limit: Duration) { onLoop { $0.limitStalls(to: limit) } }

    private func onLoop(_ action: @escaping @Sendable (UpstreamConnection) -> Void) {
        if eventLoop.inEventLoop {
            action(connection.value)
        } else {
            eventLoop.execute { action(connection.value) }
        }
    }
}
