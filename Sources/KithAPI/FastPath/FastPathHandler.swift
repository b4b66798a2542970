// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithMetrics
import KithModel
import KithServer
import NIOCore
import NIOHTTP1

/// Answers ``FastPath`` in the channel, before a request is put in the framework's types, and passes everything else on
/// unchanged. Follows NIO's codec for HTTP/1.1.
///
/// Requests on one connection are answered in order: one is taken only while the framework has none, and what arrives
/// while it is being answered waits. Later handlers see only some of the requests, so this handler closes idle
/// connections, and makes a server that stops wait for its answer.
final class FastPathHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// Between requests, or in one that the framework has. Leaves to `collecting`.
        case passing
        /// In a request that may be answered here. Leaves to `answering` or `passing`.
        case collecting(HTTPRequestHead, FastPathRequest, ByteBuffer)
        /// Leaves to `passing` when the answer is written. The task is there once it has had to wait.
        case answering(Task<Void, Never>?)
        /// Leaves to `passing` when the last event is written.
        case streaming(FastPathStream)
    }

    private let route: FastPath
    private let executor: EventLoopExecutor
    private let uploads: UploadPace.Limits
    private var rest: IdleTimeout
    private var state = State.passing
    /// Requests handed on whose answers have not been written to their end.
    private var handedOn = 0
    private var held: [HTTPServerRequestPart] = []
    /// What is wrong with what came after them.
    private var heldError: (any Error)?
    /// Parts for the framework, which is not there yet.
    private var waiting: [HTTPServerRequestPart]? = []
    private let wantsFramework: @Sendable () -> Void
    private var known: FastPath.KnownClient?
    /// The other end.
    private var source: AddressRange?
    private var isQuiescing = false
    private var handsOn = false
    private var isReadWanted = false
    private var upload: UploadPace?
    private var uploadCheck: Scheduled<Void>?
    private var idleCheck: Scheduled<Void>?
    /// Where an answer that is already in bytes is written.
    private var encoder: ChannelHandlerContext?

    /// - Parameter wantsFramework: Called when there is a request for the framework.
    init(
        route: FastPath, executor: EventLoopExecutor, limits: ConnectionLimits,
        wantsFramework: @escaping @Sendable () -> Void
    ) {
        self.wantsFramework = wantsFramework
        self.route = route
        self.executor = executor
        uploads = UploadPace.Limits(limits)
        rest = IdleTimeout(limit: TimeAmount(limits.idle), now: .now())
    }

    func handlerAdded(context: ChannelHandlerContext) {
        source = context.remoteAddress?.source.flatMap { AddressRange($0) }
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
        // Bounded: reading stops after the next request's first parts.
        case (.answering, _), (.streaming, _): held.append(part)
        case (.passing, .head(let head)):
            if handedOn == 0, encoder != nil,
                let request = FastPathRequest(head, bodyLimit: route.services.limits.openAIBody),
                route.admits(request, from: source, on: context.channel, known: &known, now: .now())
            {
                state = .collecting(head, request, ByteBuffer())
            } else {
                handedOn += 1
                handOn(part, context: context)
            }
        case (.passing, _): handOn(part, context: context)
        case (.collecting(let head, let request, var body), .body(var piece)):
            state = .passing  // releases the stored buffer, so that appending does not copy it
            upload?.piece(piece.readableBytes)
            if body.readableBytes == 0 { body = piece } else { body.writeBuffer(&piece) }
            state = .collecting(head, request, body)
        case (.collecting(let head, let request, let body), .end):
            begin(request, head, body, context: context)
        case (.collecting, .head): context.close(promise: nil)  // the decoder never sends one here
        }
    }

    /// A body that arrives in one read, as most do, needs no timer.
    func channelReadComplete(context: ChannelHandlerContext) {
        rest.wasActive(now: .now())
        if case .collecting = state, upload == nil {
            upload = UploadPace(limits: uploads, now: .now())
            checkUploadLater(context: context)
        }
        completeRead(context: context)
    }

    private func checkUploadLater(context: ChannelHandlerContext) {
        guard let upload else { return }
        uploadCheck = context.eventLoop.assumeIsolated().scheduleTask(deadline: upload.nextCheck) {
            if self.upload?.isOverdue(now: .now()) == true {
                context.close(promise: nil)
            } else {
                self.checkUploadLater(context: context)
            }
        }
    }

    private func uploadEnded() {
        upload = nil
        uploadCheck?.cancel()
        uploadCheck = nil
    }

    private func handOn(_ part: HTTPServerRequestPart, context: ChannelHandlerContext) {
        guard waiting == nil else {
            waiting?.append(part)  // bounded: reading stops after a few
            return wantsFramework()
        }
        handsOn = true
        context.fireChannelRead(wrapInboundOut(part))
    }

    /// Handlers that were passed nothing need not be told.
    private func completeRead(context: ChannelHandlerContext) {
        guard handsOn else { return }
        handsOn = false
        context.fireChannelReadComplete()
    }

    private func begin(
        _ request: FastPathRequest, _ head: HTTPRequestHead, _ body: ByteBuffer, context: ChannelHandlerContext
    ) {
        uploadEnded()
        guard let client = known, let completion = route.completion(body, to: request.route),
            let fields = route.count(client, from: source)
        else {
            state = .passing
            handedOn += 1
            for part in [.head(head), .body(body), .end(nil)] as [HTTPServerRequestPart] {
                handOn(part, context: context)
            }
            return completeRead(context: context)
        }
        client.requests?.increment()
        let began = NIODeadline.now()
        let asked = completion.request
        if asked.streams {
            return stream(completion, asked.id, for: request, by: client.caller, fields, context: context)
        }
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        state = .answering(nil)
        // A task of its own, because a channel handler has none; cancelled when the client goes. It begins here and now,
        // so that the request is on its way to the engine before the event loop looks for other work.
        let task = Task.immediate(executorPreference: executor) { [route] in
            let reply = await route.reply(to: completion, asked, for: request, by: client.caller, fields: fields)
            let outcome = reply.map { RequestMeter.Outcome($0.status) } ?? .abandoned
            route.note(outcome, on: request.route, since: began, of: asked.id)
            if eventLoop.inEventLoop {
                bound.value.handler.finish(reply, context: bound.value.context)
            } else {
                eventLoop.execute { bound.value.handler.finish(reply, context: bound.value.context) }
            }
        }
        if case .answering(nil) = state { state = .answering(task) }
    }

    private func stream(
        _ completion: any DialectCompletion, _ id: RequestID, for request: FastPathRequest, by caller: Principal,
        _ fields: [HTTPField], context: ChannelHandlerContext
    ) {
        let stream = FastPathStream(
            completion, id, for: request, of: caller, fields: fields, by: route, on: context.eventLoop
        ) { [self] bytes, isLast in
            guard context.channel.isActive else { return }
            if !isLast {
                encoder?.writeAndFlush(NIOAny(bytes), promise: nil)
            } else if bytes.readableBytes > 0 {
                answered(with: bytes, context: context)
            } else {
                context.close(promise: nil)  // given up: no client may wait for what does not come
            }
        }
        state = .streaming(stream)
        if !context.channel.isWritable { stream.writabilityChanged(to: false) }
        stream.begin(executor: executor)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .streaming(let stream) = state { stream.writabilityChanged(to: context.channel.isWritable) }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Answers

    private func finish(_ reply: PlainReply?, context: ChannelHandlerContext) {
        guard case .answering = state, context.channel.isActive else { return }
        // Given up: no client may wait for what does not come.
        guard let reply else { return context.close(promise: nil) }
        answered(with: reply.http1, context: context)
    }

    /// Sends the last part of an answer, and goes on with what has arrived meanwhile.
    private func answered(with bytes: ByteBuffer, context: ChannelHandlerContext) {
        state = .passing
        rest.answered(now: .now())
        guard !isQuiescing else { return sayLast(bytes, context: context) }
        encoder?.writeAndFlush(NIOAny(bytes), promise: nil)
        let waiting = held
        held = []
        for part in waiting { take(part, context: context) }
        completeRead(context: context)
        passErrorOn(context: context)
        readOn(context: context)
    }

    /// Closes the connection when the answer is out, and not before.
    private func sayLast(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        guard let encoder else { return written.succeed() }
        encoder.writeAndFlush(NIOAny(bytes), promise: written)
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
        switch state {
        case .answering, .streaming: if held.count > 8 { return isReadWanted = true }
        case .passing: if let waiting, waiting.count > 8 { return isReadWanted = true }
        case .collecting: break
        }
        context.read()
    }

    private func frameworkIsThere(context: ChannelHandlerContext) {
        let parts = waiting.take() ?? []
        for part in parts { handOn(part, context: context) }
        completeRead(context: context)
        readOn(context: context)
    }

    private func readOn(context: ChannelHandlerContext) {
        guard isReadWanted else { return }
        isReadWanted = false
        context.read()
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is FrameworkIsThere: frameworkIsThere(context: context)
        case ChannelEvent.inputClosed:
            cancel()
            // No other handler closes what the client has left.
            if waiting?.isEmpty == true { context.close(promise: nil) }
        case is ChannelShouldQuiesceEvent:
            switch state {
            case .answering, .streaming:
                isQuiescing = true
                return
            // No other handler closes it.
            case .passing, .collecting: if waiting?.isEmpty == true { return context.close(promise: nil) }
            }
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// The handler that says what was wrong must not say it before the answers to what was right.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        heldError = error
        passErrorOn(context: context)
    }

    private func passErrorOn(context: ChannelHandlerContext) {
        switch state {
        case .answering, .streaming: return
        case .passing, .collecting: break
        }
        if let error = heldError.take() { context.fireErrorCaught(error) }
    }

    private func cancel() {
        uploadEnded()
        switch state {
        case .answering(let task): task?.cancel()
        case .streaming(let stream): stream.clientHasGone()
        case .passing, .collecting: break
        }
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
