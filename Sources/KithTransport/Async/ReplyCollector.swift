// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore

/// Gathers a whole answer for a task that waits. Bound to its event loop.
final class ReplyCollector: UpstreamResponseHandler {
    private let wait: CallWait<UpstreamReply>
    private let limit: Int
    private var exchange: UpstreamExchange?
    private var head: UpstreamHead?
    private var body = ByteBuffer()

    /// - Parameter run: Begins an exchange; called on `eventLoop`.
    /// - Throws: `ChatError` as given to `UpstreamResponseHandler.ended(_:)`, and `timeout` where the whole answer does not come
    ///   within the request's limit; `CancellationError`.
    static func collect(
        _ request: UpstreamRequest, on eventLoop: any EventLoop, _ run: @escaping @Sendable (UpstreamExchange) -> Void
    ) async throws -> UpstreamReply {
        guard let limit = request.limits.whole else { return try await collectAll(request, on: eventLoop, run) }
        let clock = MonotonicClock()
        do {
            return try await withDeadline(clock.now + limit, clock: clock) {
                try await collectAll(request, on: eventLoop, run)
            }
        } catch is DeadlineExceeded {
            throw ChatError(.timeout, "the whole answer did not come in time")
        }
    }

    private static func collectAll(
        _ request: UpstreamRequest, on eventLoop: any EventLoop, _ run: @escaping @Sendable (UpstreamExchange) -> Void
    ) async throws -> UpstreamReply {
        let wait = CallWait<UpstreamReply>()
        return try await wait.value(on: eventLoop) {
            let collector = ReplyCollector(wait, limit: request.limits.bodyBytes)
            let exchange = UpstreamExchange(request, handler: collector, eventLoop: eventLoop)
            exchange.whenCancelled = { wait.cancel() }
            collector.exchange = exchange
            run(exchange)
            exchange.hasBegun()
            return UpstreamCall(exchange)
        }
    }

    private init(_ wait: CallWait<UpstreamReply>, limit: Int) {
        self.wait = wait
        self.limit = limit
    }

    func received(_ head: UpstreamHead) { self.head = head }

    func received(_ piece: ByteBuffer) {
        guard body.readableBytes + piece.readableBytes <= limit else {
            wait.end(with: .failure(ChatError(.invalidAnswer, "the answer is longer than \(limit) bytes")))
            exchange?.cancel()
            return
        }
        body.writeImmutableBuffer(piece)
    }

    func readEnded() {}

    func ended(_ failure: ChatError?) {
        exchange = nil
        if let failure {
            wait.end(with: .failure(failure))
        } else if let head {
            wait.end(with: .success(UpstreamReply(status: head.status, headers: head.headers, body: body)))
        }
    }
}
