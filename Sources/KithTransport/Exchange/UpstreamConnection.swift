// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import NIOHTTP1
import NIOHTTP2

/// What a connection reports to. Bound to the connection's event loop.
protocol UpstreamConnectionOwner: AnyObject {
    /// The connection has done its work and could do more.
    func release(_ connection: UpstreamConnection)
    /// The connection is closed, or about to be.
    func forget(_ connection: UpstreamConnection)
    /// Closes the channel of a connection.
    func close(_ channel: any Channel)
    /// Nothing of the exchange was lost with its connection; it may be run on another one.
    func connect(for exchange: UpstreamExchange)
}

/// The last handler of a connection to an engine, or of a stream to a peer: carries out what the ``ExchangeMachine``
/// decides. Bound to its event loop.
final class UpstreamConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Never
    typealias OutboundOut = HTTPClientRequestPart

    let channel: any Channel
    let origin: UpstreamOrigin
    private let owner: any UpstreamConnectionOwner
    private let bytes: RequestBytes?
    private let keepAlive: Duration
    private lazy var socket = RestingSocket(of: channel)
    private var machine: ExchangeMachine
    private var current: UpstreamExchange?
    private var readsHeld = false
    private var readWanted = false
    private var timer: DeadlineTimer?
    private var timedExchange = 0

    /// - Parameters:
    ///   - bytes: What puts requests into bytes; `nil` for a stream of HTTP/2.
    ///   - keepAlive: How long the connection rests in a pool; `nil` for a stream, which never does.
    init(
        channel: any Channel, origin: UpstreamOrigin, owner: any UpstreamConnectionOwner, bytes: RequestBytes? = nil,
        keepAlive: Duration?
    ) {
        self.channel = channel
        self.origin = origin
        self.owner = owner
        self.bytes = bytes
        self.keepAlive = keepAlive ?? .zero
        machine = ExchangeMachine(isReusable: keepAlive != nil)
    }

    /// Whether it can take a request, as far as this machine knows.
    var isUsable: Bool { machine.isIdle && channel.isActive && socket?.hasInput != true }

    // MARK: Requests

    func start(_ exchange: UpstreamExchange) {
        guard !exchange.isOver else { return handle(.unused) }
        let number = machine.number + 1
        let begun = machine.handle(.begin(number, isSafe: exchange.request.isSafe))
        guard begun.tell != .again else { return owner.connect(for: exchange) }
        current = exchange
        perform(begun)
        exchange.runs(on: self, as: number)
        guard exchange.request.isSendable else { return handle(.fault(.unsendable)) }
        handle(.written(number, .begun))
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        RequestUpload(exchange.request, on: channel, as: bytes) { bound.value.handle(.written(number, $0)) }.advance()
    }

    /// Called by the owner when it has no use for an idle connection.
    func close() { handle(.close) }

    // MARK: Answers

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): received(head)
        case .body(let piece): if piece.readableBytes > 0 { perform(machine.handle(.piece), piece: piece) }
        case .end: handle(.end(isOpen: channel.isActive))
        }
    }

    private func received(_ head: HTTPResponseHead) {
        let status = Int(head.status.code)
        // The other 1xx announce an answer; nothing that is sent here asks for another protocol.
        guard status != 101 else { return handle(.fault(.malformed)) }
        guard status >= 200 else { return }
        perform(
            machine.handle(.head(keepsAlive: head.isKeepAlive)),
            head: UpstreamHead(status: status, headers: head.headers))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        handle(.readOver)
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if readsHeld { readWanted = true } else { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        handle(.inactive)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        perform(machine.handle(.fault(ExchangeMachine.Fault(error))), cause: error)
    }

    // MARK: Actions

    func handle(_ event: ExchangeMachine.Event) { perform(machine.handle(event)) }

    private func perform(
        _ actions: ExchangeMachine.Actions, head: UpstreamHead? = nil, piece: ByteBuffer? = nil,
        cause: (any Error)? = nil
    ) {
        switch actions.timer {
        case .keep: break
        case .clear: timer?.clear()
        case .set(let wait): limit(wait)
        }
        switch actions.reads {
        case .keep: break
        case .hold: readsHeld = true
        case .resume: releaseReads()
        }
        let exchange = current
        if actions.tell.isLast || actions.connection == .close { current = nil }
        switch actions.connection {
        case .keep: break
        case .release: owner.release(self)
        case .close: shut()
        }
        switch actions.tell {
        case .nothing: break
        case .head: if let head { exchange?.handler?.received(head) }
        case .piece: if let piece { exchange?.handler?.received(piece) }
        case .readOver: exchange?.handler?.readEnded()
        case .whole: exchange?.end(nil)
        case .failure(let failure): exchange?.end(ChatError(failure, at: origin, cause: cause))
        case .again:
            guard let exchange else { return }
            exchange.waits()
            owner.connect(for: exchange)
        }
    }

    private func shut() {
        timer?.stop()
        owner.forget(self)
        owner.close(channel)
    }

    private func releaseReads() {
        readsHeld = false
        guard readWanted else { return }
        readWanted = false
        channel.read()
    }

    private func limit(_ wait: ExchangeMachine.Wait) {
        let timer =
            timer
            ?? DeadlineTimer(eventLoop: channel.eventLoop) { [weak self] in
                guard let self else { return }
                handle(.expired(timedExchange))
            }
        self.timer = timer
        timedExchange = machine.number
        guard let limits = current?.limits else { return timer.set(after: keepAlive) }
        switch wait {
        case .write: timer.set(after: max(limits.stall, limits.firstByte))
        case .piece: timer.set(after: limits.stall)
        case .firstByte: timer.set(after: limits.firstByte)
        case .rest: timer.set(after: keepAlive)
        }
    }
}

extension ExchangeMachine.Actions.Tell {
    /// Whether nothing more is told to the exchange.
    fileprivate var isLast: Bool {
        switch self {
        case .whole, .failure, .again: true
        case .nothing, .head, .piece, .readOver: false
        }
    }
}

extension ExchangeMachine.Fault {
    init(_ error: any Error) {
        switch error {
        // An end in the middle of a chunk is reported as a parser error: the server died, it did not break the protocol.
        case let error as HTTPParserError where error == .invalidEOFState: self = .broken
        case is HTTPParserError, is NIOHTTPDecoderError: self = .malformed
        case let error as NIOHTTP2Errors.StreamClosed where error.errorCode == .refusedStream: self = .untouched
        case _ where UpstreamTLS.isRefusal(error): self = .untrusted
        default: self = .broken
        }
    }
}

extension ChatError {
    init(_ failure: ExchangeMachine.Failure, at origin: UpstreamOrigin, cause: (any Error)?) {
        switch failure {
        case .fault(.malformed): self.init(.invalidAnswer, "\(origin) does not answer in HTTP", cause: cause)
        case .fault(.untrusted): self.init(.unreachable, "the TLS handshake with \(origin) failed", cause: cause)
        case .fault(.unsendable):
            self.init(.invalidRequest, "the request has a path or a header that HTTP cannot carry", cause: cause)
        case .fault(.untouched): self.init(.unreachable, "\(origin) takes no more requests here", cause: cause)
        case .fault(.broken), .cut:
            self.init(.interrupted, "the connection to \(origin) ended before the answer did", cause: cause)
        case .unanswered:
            self.init(
                .interrupted,
                "the connection to \(origin) ended before an answer began; the request was not sent again, as it may have "
                    + "been read", cause: cause)
        case .timeout(.write): self.init(.timeout, "\(origin) stopped reading the request")
        case .timeout(.piece): self.init(.timeout, "\(origin) stopped in the middle of its answer")
        case .timeout(.firstByte), .timeout(.rest): self.init(.timeout, "\(origin) did not begin to answer in time")
        }
    }
}

/// One deadline that moves often and passes rarely.
///
/// Moving it later costs nothing: the timer that is already set looks at the deadline when it fires and sets itself anew.
/// Bound to its event loop.
final class DeadlineTimer {
    private let eventLoop: any EventLoop
    private let onExpiry: () -> Void
    private var deadline: NIODeadline?
    private var wakeUp: (at: NIODeadline, scheduled: Scheduled<Void>)?

    init(eventLoop: any EventLoop, onExpiry: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.onExpiry = onExpiry
    }

    func set(after delay: Duration) {
        let deadline = eventLoop.now + .nanoseconds(delay.clampedNanoseconds)
        self.deadline = deadline
        if let wakeUp, wakeUp.at <= deadline { return }
        schedule(at: deadline)
    }

    func clear() { deadline = nil }

    /// Also releases the timer; for the end of a connection.
    func stop() {
        deadline = nil
        wakeUp?.scheduled.cancel()
        wakeUp = nil
    }

    private func schedule(at deadline: NIODeadline) {
        wakeUp?.scheduled.cancel()
        wakeUp = (deadline, eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.fire() })
    }

    private func fire() {
        wakeUp = nil
        guard let deadline else { return }
        if eventLoop.now < deadline {
            schedule(at: deadline)
        } else {
            self.deadline = nil
            onExpiry()
        }
    }
}
