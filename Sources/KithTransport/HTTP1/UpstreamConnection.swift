// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import NIOHTTP1

/// What a connection reports to. Bound to the connection's event loop.
protocol UpstreamConnectionOwner: AnyObject {
    /// Whether the connection is to be released, and not closed, after an answer with this head.
    func mayRelease(after head: HTTPResponseHead) -> Bool
    /// The connection has done its work and could do more.
    func release(_ connection: UpstreamConnection)
    /// The connection is of no use any more.
    func forget(_ connection: UpstreamConnection)
    /// The connection was closed from the other side before it was asked anything; another may be tried.
    func connect(for exchange: UpstreamExchange)
}

/// The last handler of a connection to an engine, or of a stream to a peer: runs one exchange at a time. Bound to its
/// event loop.
final class UpstreamConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Never
    typealias OutboundOut = HTTPClientRequestPart

    private enum Phase {
        /// Leaves to `awaitingHead` or `closed`.
        case idle
        /// The request is sent. Leaves to `collecting`, `streaming` or `closed`.
        case awaitingHead(UpstreamExchange)
        /// Leaves to `idle` or `closed`.
        case collecting(UpstreamExchange, HTTPResponseHead, ByteBuffer)
        /// Leaves to `idle` or `closed`.
        case streaming(HTTPResponseHead, UpstreamBody.Producer.Source, UpstreamLimits)
        case closed
    }

    let channel: any Channel
    let origin: UpstreamOrigin
    private let owner: any UpstreamConnectionOwner
    private var phase = Phase.idle
    private var servedBefore = false
    private var readsHeld = false
    private var readWanted = false
    private var timer: DeadlineTimer?

    init(channel: any Channel, origin: UpstreamOrigin, owner: any UpstreamConnectionOwner) {
        self.channel = channel
        self.origin = origin
        self.owner = owner
    }

    var isUsable: Bool {
        if case .idle = phase { channel.isActive } else { false }
    }

    // MARK: Requests

    func start(_ exchange: UpstreamExchange) {
        guard exchange.attach(channel) else { return owner.release(self) }
        phase = .awaitingHead(exchange)
        let request = exchange.request
        var head = HTTPRequestHead(
            version: .http1_1, method: request.method, uri: request.address.basePath + request.path,
            headers: request.headers)
        if !head.headers.contains(name: "host") { head.headers.add(name: "Host", value: request.address.authority) }
        if let body = request.body {
            head.headers.replaceOrAdd(name: "Content-Length", value: String(body.readableBytes))
            if !head.headers.contains(name: "content-type") {
                head.headers.add(name: "Content-Type", value: "application/json")
            }
        } else if request.method == .POST {
            head.headers.replaceOrAdd(name: "Content-Length", value: "0")
        }
        write(.head(head))
        if let body = request.body, body.readableBytes > 0 { write(.body(.byteBuffer(body))) }
        write(.end(nil))
        channel.flush()
        limit(request.limits.firstByte)
    }

    private func write(_ part: HTTPClientRequestPart) {
        channel.pipeline.syncOperations.write(wrapOutboundOut(part), promise: nil)
    }

    // MARK: Answers

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), phase) {
        case (.head(let head), .awaitingHead(let exchange)): received(head, for: exchange)
        case (.body(var piece), .collecting(let exchange, let head, var whole)):
            guard whole.readableBytes + piece.readableBytes <= exchange.request.limits.bodyBytes else {
                return fail(
                    ChatFailure(.invalidAnswer, "the answer is longer than \(exchange.request.limits.bodyBytes) bytes"))
            }
            phase = .closed  // releases the stored buffer, so that appending does not copy it
            whole.writeBuffer(&piece)
            phase = .collecting(exchange, head, whole)
            limit(exchange.request.limits.stall)
        case (.end, .collecting(let exchange, let head, let whole)):
            finish(head)
            exchange.end(
                .success(.reply(UpstreamReply(status: Int(head.status.code), headers: head.headers, body: whole))))
        case (.body(let piece), .streaming(_, let source, let limits)):
            limit(limits.stall)
            guard piece.readableBytes > 0 else { return }
            if case .stopProducing = source.yield(piece) { holdReads() }
        case (.end, .streaming(let head, let source, _)):
            finish(head)
            source.finish()
        case (_, .closed): break
        default: fail(ChatFailure(.invalidAnswer, "an answer came that nobody asked for"))
        }
    }

    private func received(_ head: HTTPResponseHead, for exchange: UpstreamExchange) {
        switch exchange.mode {
        case .collect:
            phase = .collecting(exchange, head, ByteBuffer())
        case .stream:
            let delegate = UpstreamBodyDelegate(
                eventLoop: channel.eventLoop, connection: NIOLoopBound(self, eventLoop: channel.eventLoop))
            let made = UpstreamBody.Producer.makeSequence(
                backPressureStrategy: .init(lowWatermark: 8, highWatermark: 32), finishOnDeinit: false,
                delegate: delegate)
            phase = .streaming(head, made.source, exchange.request.limits)
            exchange.end(
                .success(
                    .response(
                        UpstreamResponse(
                            status: Int(head.status.code), headers: head.headers,
                            body: UpstreamBody(producer: made.sequence, delegate: delegate)))))
        }
    }

    private func finish(_ head: HTTPResponseHead) {
        servedBefore = true
        releaseReads()
        if owner.mayRelease(after: head) {
            phase = .idle
            owner.release(self)
        } else {
            close()
        }
    }

    // MARK: Back-pressure

    func read(context: ChannelHandlerContext) {
        if readsHeld { readWanted = true } else { context.read() }
    }

    func resumeReading() {
        guard readsHeld else { return }
        if case .streaming(_, _, let limits) = phase { limit(limits.stall) }
        releaseReads()
    }

    private func holdReads() {
        readsHeld = true
        timer?.clear()  // a slow reader is not a stalled server
    }

    private func releaseReads() {
        readsHeld = false
        guard readWanted else { return }
        readWanted = false
        channel.read()
    }

    func limitStalls(to stall: Duration) {
        guard case .streaming(let head, let source, var limits) = phase else { return }
        limits.stall = stall
        phase = .streaming(head, source, limits)
        if !readsHeld { limit(stall) }
    }

    // MARK: Ends

    /// The reader of the body dropped it or was cancelled; a no-op after a body that was read to its end.
    func readerHasGone() {
        if case .streaming = phase { close() }
    }

    /// Called by the owner when it has no use for this connection.
    func close() {
        phase = .closed
        timer?.stop()
        channel.close(promise: nil)
    }

    /// Closes the connection when nothing has asked for it during `keepAlive`.
    func rest(for keepAlive: Duration) { limit(keepAlive) }

    func channelInactive(context: ChannelHandlerContext) {
        ended(ChatFailure(.interrupted, "the connection to \(origin) ended before the answer did"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An end in the middle of a chunk is reported as a parser error: the server died, it did not speak wrongly.
        if let error = error as? HTTPParserError, error != .invalidEOFState {
            fail(ChatFailure(.invalidAnswer, "\(origin) does not answer in HTTP", cause: error))
        } else if UpstreamTLS.isRefusal(error) {
            fail(ChatFailure(.unreachable, "the TLS handshake with \(origin) failed", cause: error))
        } else {
            ended(ChatFailure(.interrupted, "the connection to \(origin) broke", cause: error))
        }
    }

    /// A server may close an idle connection at the moment it is taken from the pool: then nothing was answered, and
    /// asking once more on a new connection is safe (RFC 9112, 9.3.1).
    private func ended(_ failure: ChatFailure) {
        if case .awaitingHead(let exchange) = phase, servedBefore {
            close()
            owner.connect(for: exchange)
        } else {
            fail(failure)
        }
    }

    private func expired() {
        switch phase {
        case .idle: close()
        case .awaitingHead: fail(ChatFailure(.timeout, "\(origin) did not begin to answer in time"))
        case .collecting, .streaming: fail(ChatFailure(.timeout, "\(origin) stopped in the middle of its answer"))
        case .closed: break
        }
    }

    private func fail(_ failure: ChatFailure) {
        let failed = phase
        owner.forget(self)
        close()
        switch failed {
        case .awaitingHead(let exchange), .collecting(let exchange, _, _): exchange.end(.failure(failure))
        case .streaming(_, let source, _): source.finish(failure)
        case .idle, .closed: break
        }
    }

    private func limit(_ delay: Duration) {
        let timer = timer ?? DeadlineTimer(eventLoop: channel.eventLoop) { [weak self] in self?.expired() }
        self.timer = timer
        timer.set(after: delay)
    }
}
