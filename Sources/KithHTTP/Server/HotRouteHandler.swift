// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Answers ``HotRoute`` in the channel, and hands everything else on as it came.
///
/// Requests on one connection are answered in order: one is taken only while the framework has none, and what arrives
/// while it is being answered waits.
final class HotRouteHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum State {
        /// Between requests, or in one that the framework has. Leaves to `collecting`.
        case passing
        /// In a request that may be answered here. Leaves to `answering` or `passing`.
        case collecting(HTTPRequest, ByteBuffer)
        /// Leaves to `passing` when the answer is written.
        case answering(Task<Void, Never>)
    }

    private let route: HotRoute
    private let executor: EventLoopExecutor
    private var state = State.passing
    /// Requests handed on whose answers have not been written to their end.
    private var handedOn = 0
    private var held: [HTTPRequestPart] = []

    init(route: HotRoute, executor: EventLoopExecutor) {
        self.route = route
        self.executor = executor
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch (state, part) {
        case (.answering, _): held.append(part)  // bounded: reading stops after the next request's first parts
        case (.passing, .head(let head)) where handedOn == 0 && HotRoute.accepts(head) && route.admits(head):
            state = .collecting(head, ByteBuffer())
        case (.passing, _): handOn(part, context: context)
        case (.collecting(let head, var body), .body(var piece)):
            state = .passing  // releases the stored buffer, so that appending does not copy it
            body.writeBuffer(&piece)
            state = .collecting(head, body)
        case (.collecting(let head, let body), .end):
            begin(head, body, context: context)
        case (.collecting, .head): context.close(promise: nil)  // the decoder never sends one here
        }
    }

    private func begin(_ head: HTTPRequest, _ body: ByteBuffer, context: ChannelHandlerContext) {
        guard let completion = route.completion(body) else {
            state = .passing
            for part in [.head(head), .body(body), .end(nil)] as [HTTPRequestPart] { handOn(part, context: context) }
            context.fireChannelReadComplete()
            return
        }
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        // A task of its own, because a channel handler has none; cancelled when the client goes.
        state = .answering(
            Task(executorPreference: executor) { [route] in
                let reply = await route.reply(to: completion, head: head)
                if eventLoop.inEventLoop {
                    bound.value.handler.finish(reply, context: bound.value.context)
                } else {
                    eventLoop.execute { bound.value.handler.finish(reply, context: bound.value.context) }
                }
            })
    }

    private func handOn(_ part: HTTPRequestPart, context: ChannelHandlerContext) {
        if case .head = part { handedOn += 1 }
        context.fireChannelRead(wrapInboundOut(part))
    }

    // MARK: Answers

    private func finish(_ reply: PlainReply?, context: ChannelHandlerContext) {
        guard case .answering = state, context.channel.isActive, let reply else { return }
        state = .passing
        let head = HTTPResponse(status: reply.status, headerFields: reply.headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(reply.body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        let waiting = held
        held = []
        for part in waiting { channelRead(context: context, data: wrapInboundOut(part)) }
        if !waiting.isEmpty { context.fireChannelReadComplete() }
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { handedOn -= 1 }
        context.write(data, promise: promise)
    }

    /// While an answer is made here, one more request may be read and no more.
    func read(context: ChannelHandlerContext) {
        if case .answering = state, held.count > 8 { return }
        context.read()
    }

    func handlerRemoved(context: ChannelHandlerContext) { cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { cancel() }
        context.fireUserInboundEventTriggered(event)
    }

    private func cancel() {
        if case .answering(let task) = state { task.cancel() }
    }
}
