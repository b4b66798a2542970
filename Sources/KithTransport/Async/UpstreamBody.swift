// SPDX-License-Identifier: Apache-2.0

import KithModel
package import NIOCore
package import NIOHTTP1
import Synchronization

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
/// The connection is read only as fast as the pieces are taken. Iterate once, or hand it over once; dropping the iterator
/// or the body that nobody iterates, or cancelling the task that waits for the next piece, closes the connection, which
/// is how a server learns that nobody listens. Throws `ChatError` with `interrupted`, `timeout` or `invalidAnswer`;
/// `CancellationError` when the reader's task or the ``call`` was cancelled.
package struct UpstreamBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    /// Leaves the answer when the last copy of it is dropped, unless somebody has taken over.
    private final class Lease: Sendable {
        let buffer: BodyBuffer
        private let isPassedOn = Mutex(false)

        init(_ buffer: BodyBuffer) { self.buffer = buffer }

        func passOn() { isPassedOn.withLock { $0 = true } }

        deinit { if !isPassedOn.withLock({ $0 }) { buffer.leave() } }
    }

    /// The exchange that brings the body.
    package let call: UpstreamCall
    private let lease: Lease

    init(buffer: BodyBuffer, call: UpstreamCall) {
        self.call = call
        lease = Lease(buffer)
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        private let lease: Lease
        private let call: UpstreamCall

        fileprivate init(_ buffer: BodyBuffer, _ call: UpstreamCall) {
            lease = Lease(buffer)
            self.call = call
        }

        package mutating func next() async throws -> ByteBuffer? { try await next(isolation: #isolation) }

        package mutating func next(isolation actor: isolated (any Actor)?) async throws -> ByteBuffer? {
            try await lease.buffer.next(isolation: actor)
        }

        /// From now on no pause between two pieces may be longer.
        package func limitStalls(to limit: Duration) { call.limitStalls(to: limit) }

        /// As ``UpstreamBody/flow(to:on:)``, for what has not been taken yet.
        @discardableResult
        package func flow(to handler: any UpstreamResponseHandler, on eventLoop: any EventLoop) -> UpstreamCall {
            lease.passOn()
            return lease.buffer.flow(to: handler, on: eventLoop) ?? call
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        lease.passOn()
        return AsyncIterator(lease.buffer, call)
    }

    /// Hands the rest over to a handler: what is buffered is delivered first, then what follows, never before this has
    /// returned. Only pieces, the ends of reads and the end are delivered. Must be called on `eventLoop`.
    ///
    /// - Returns: The call to use from now on; cancelled on `eventLoop`, it is silent at once.
    @discardableResult
    package func flow(to handler: any UpstreamResponseHandler, on eventLoop: any EventLoop) -> UpstreamCall {
        lease.passOn()
        return lease.buffer.flow(to: handler, on: eventLoop) ?? call
    }

    /// Waits for the whole body.
    ///
    /// - Throws: `ChatError` with `invalidAnswer` when it is longer than `limit` bytes.
    package func collect(upTo limit: Int) async throws -> ByteBuffer {
        var whole = ByteBuffer()
        for try await var piece in self {
            guard whole.readableBytes + piece.readableBytes <= limit else {
                throw ChatError(.invalidAnswer, "the answer is longer than \(limit) bytes")
            }
            whole.writeBuffer(&piece)
        }
        return whole
    }
}
