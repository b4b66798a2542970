// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// Answers ``HotRoute`` in the channel, before a request is put in the framework's types, and hands everything else on
/// as it came. Follows NIO's codec for HTTP/1.1.
///
/// Requests on one connection are answered in order: one is taken only while the framework has none, and what arrives
/// while it is being answered waits. Who follows sees only some of the requests, so that this handler closes idle
/// connections and keeps a server that stops waiting for its answer.
final class HotRouteHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// Between requests, or in one that the framework has. Leaves to `collecting`.
        case passing
        /// In a request that may be answered here. Leaves to `answering` or `passing`.
        case collecting(HTTPRequestHead, HotRequest, ByteBuffer)
        /// Leaves to `passing` when the answer is written. The task is there once it has had to wait.
        case answering(Task<Void, Never>?)
    }

    private let route: HotRoute
    private let executor: EventLoopExecutor
    private let bodyLimit: TimeAmount
    private var rest: ConnectionRest
    private var state = State.passing
    /// Requests handed on whose answers have not been written to their end.
    private var handedOn = 0
    private var held: [HTTPServerRequestPart] = []
    private var known: HotRoute.KnownClient?
    private var isQuiescing = false
    private var handsOn = false
    private var isReadWanted = false
    private var slowBody: Scheduled<Void>?
    private var idleCheck: Scheduled<Void>?
    /// From where an answer that is in bytes goes out.
    private var encoder: ChannelHandlerContext?

    init(route: HotRoute, executor: EventLoopExecutor, limits: ConnectionLimits) {
        self.route = route
        self.executor = executor
        bodyLimit = TimeAmount(limits.body)
        rest = ConnectionRest(limit: TimeAmount(limits.idle), now: .now())
    }

    func handlerAdded(context: ChannelHandlerContext) {
        encoder = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
        checkLater(context: context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        cancel()
        idleCheck?.cancel()
        encoder = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        rest.received(part)
        take(part, context: context)
    }

    private func take(_ part: HTTPServerRequestPart, context: ChannelHandlerContext) {
        switch (state, part) {
        case (.answering, _): held.append(part)  // bounded: reading stops after the next request's first parts
        case (.passing, .head(let head)):
            if handedOn == 0, encoder != nil, let request = HotRequest(head),
                route.admits(request, known: &known, now: .now())
            {
                state = .collecting(head, request, ByteBuffer())
            } else {
                handedOn += 1
                handOn(part, context: context)
            }
        case (.passing, _): handOn(part, context: context)
        case (.collecting(let head, let request, var body), .body(var piece)):
            state = .passing  // releases the stored buffer, so that appending does not copy it
            if body.readableBytes == 0 { body = piece } else { body.writeBuffer(&piece) }
            state = .collecting(head, request, body)
        case (.collecting(let head, let request, let body), .end):
            begin(request, head, body, context: context)
        case (.collecting, .head): context.close(promise: nil)  // the decoder never sends one here
        }
    }

    /// A body that came in one go, as most do, needs no timer.
    func channelReadComplete(context: ChannelHandlerContext) {
        rest.wasActive(now: .now())
        if case .collecting = state, slowBody == nil {
            slowBody = context.eventLoop.assumeIsolated().scheduleTask(in: bodyLimit) { context.close(promise: nil) }
        }
        completeRead(context: context)
    }

    private func handOn(_ part: HTTPServerRequestPart, context: ChannelHandlerContext) {
        handsOn = true
        context.fireChannelRead(wrapInboundOut(part))
    }

    /// Those to whom nothing was handed on need not be told.
    private func completeRead(context: ChannelHandlerContext) {
        guard handsOn else { return }
        handsOn = false
        context.fireChannelReadComplete()
    }

    private func begin(
        _ request: HotRequest, _ head: HTTPRequestHead, _ body: ByteBuffer, context: ChannelHandlerContext
    ) {
        slowBody?.cancel()
        slowBody = nil
        guard let completion = route.completion(body) else {
            state = .passing
            handedOn += 1
            for part in [.head(head), .body(body), .end(nil)] as [HTTPServerRequestPart] {
                handOn(part, context: context)
            }
            return completeRead(context: context)
        }
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        state = .answering(nil)
        // A task of its own, because a channel handler has none; cancelled when the client goes. It begins here and now,
        // so that the request is on its way to the engine before the event loop looks for other work.
        let task = Task.immediate(executorPreference: executor) { [route] in
            let reply = await route.reply(to: completion, for: request)
            if eventLoop.inEventLoop {
                bound.value.handler.finish(reply, context: bound.value.context)
            } else {
                eventLoop.execute { bound.value.handler.finish(reply, context: bound.value.context) }
            }
        }
        if case .answering(nil) = state { state = .answering(task) }
    }

    // MARK: Answers

    private func finish(_ reply: PlainReply?, context: ChannelHandlerContext) {
        guard case .answering = state, context.channel.isActive else { return }
        // Given up: nobody may be left to wait for what does not come.
        guard let reply else { return context.close(promise: nil) }
        state = .passing
        rest.answered(now: .now())
        guard !isQuiescing else { return sayLast(reply, context: context) }
        encoder?.writeAndFlush(NIOAny(reply.http1), promise: nil)
        let waiting = held
        held = []
        for part in waiting { take(part, context: context) }
        completeRead(context: context)
        if isReadWanted {
            isReadWanted = false
            context.read()
        }
    }

    /// Closes the connection when the answer is out, and not before.
    private func sayLast(_ reply: PlainReply, context: ChannelHandlerContext) {
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        guard let encoder else { return written.succeed() }
        encoder.writeAndFlush(NIOAny(reply.http1), promise: written)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            handedOn -= 1
            rest.answered(now: .now())
        }
        context.write(data, promise: promise)
    }

    /// While an answer is made here, one more request may be read and no more.
    func read(context: ChannelHandlerContext) {
        if case .answering = state, held.count > 8 { return isReadWanted = true }
        context.read()
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: cancel()
        case is ChannelShouldQuiesceEvent:
            if case .answering = state {
                isQuiescing = true
                return
            }
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func cancel() {
        slowBody?.cancel()
        if case .answering(let task) = state { task?.cancel() }
    }

    private func checkLater(context: ChannelHandlerContext) {
        idleCheck = context.eventLoop.assumeIsolated().scheduleTask(deadline: rest.nextCheck) {
            if self.rest.isOver(now: .now()) {
                context.close(promise: nil)
            } else {
                self.checkLater(context: context)
            }
        }
    }
}
