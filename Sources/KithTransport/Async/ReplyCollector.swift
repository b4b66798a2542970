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
    static func collect(
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

extension UpstreamClient {
    /// Sends a request and waits for the whole answer, for at most `limit` in all: an answer may come byte by byte, each
    /// within the request's own limits.
    ///
    /// - Throws: `ChatError` with `unreachable`, `timeout`, `interrupted` or `invalidAnswer`; `CancellationError`.
    package func collect(_ request: UpstreamRequest, within limit: Duration) async throws -> UpstreamReply {
        try await wholeReply(within: limit) { try await self.collect(request) }
    }
}

extension MultiplexedConnection {
    /// Sends a request and waits for the whole answer, for at most `limit` in all.
    ///
    /// - Throws: As ``UpstreamClient/collect(_:within:)``.
    package func collect(_ request: UpstreamRequest, within limit: Duration) async throws -> UpstreamReply {
        try await wholeReply(within: limit) { try await self.collect(request) }
    }
}

private func wholeReply(
    within limit: Duration, _ collect: @escaping @Sendable () async throws -> UpstreamReply
) async throws -> UpstreamReply {
    let clock = MonotonicClock()
    do {
        return try await withDeadline(clock.now + limit, clock: clock, collect)
    } catch is DeadlineExceeded {
        throw ChatError(.timeout, "the whole answer did not come in time")
    }
}
