// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithInference
import KithMembership
import KithModel
import KithServer
import Logging
import NIOCore
import NIOHTTPTypes

/// Answers a kin's questions in the stream's channel, before a request reaches the framework, and passes everything
/// else on unchanged. Bound to the stream's event loop.
final class KinAnswerHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum State {
        /// Leaves to `collecting` or `passing`.
        case expecting
        /// In a question. Leaves to `answering`.
        case collecting(HTTPRequest, ByteBuffer)
        /// Leaves when the stream does.
        case answering(KinAnswer)
        /// The framework has the request.
        case passing
    }

    private let services: PeerServices
    private let executor: EventLoopExecutor
    private let logger: Logger
    private var state = State.expecting
    /// Bytes of the question, which count as the kin's as long as they are collected.
    private var collected: (bytes: Int, node: NodeID)?

    init(services: PeerServices, executor: EventLoopExecutor, logger: Logger) {
        self.services = services
        self.executor = executor
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (state, unwrapInboundIn(data)) {
        case (.expecting, .head(let head)) where takes(head, context: context): state = .collecting(head, ByteBuffer())
        case (.expecting, _), (.passing, _):
            state = .passing
            context.fireChannelRead(data)
        case (.collecting(let head, var body), .body(var piece)):
            state = .passing  // releases the stored buffer, so that appending does not copy it
            guard body.readableBytes + piece.readableBytes <= services.generateLimit else {
                return tooLong(context: context)
            }
            guard collects(piece.readableBytes, context: context) else { return tooMuch(context: context) }
            if body.readableBytes == 0 { body = piece } else { body.writeBuffer(&piece) }
            state = .collecting(head, body)
        case (.collecting(let head, let body), .end): answer(head, body, context: context)
        case (.collecting, .head), (.answering, _): break  // a stream has one request
        }
    }

    /// A caller that is refused is answered by the framework's route.
    private func takes(_ head: HTTPRequest, context: ChannelHandlerContext) -> Bool {
        guard head.method == .post, head.path == PeerWire.generatePath,
            head.headerFields[.contentLength].flatMap({ Int($0) }) ?? 0 <= services.generateLimit,
            let caller = caller(context)
        else { return false }
        return PeerAdmission.kin.refusal(of: caller.id, by: services) == nil
    }

    private func caller(_ context: ChannelHandlerContext) -> PeerConnections.Caller? {
        context.channel.parent.flatMap(services.connections.caller(on:))
    }

    private func collects(_ bytes: Int, context: ChannelHandlerContext) -> Bool {
        guard let node = collected?.node ?? caller(context)?.id, services.shares.take(bytes, of: node) else {
            return false
        }
        collected = ((collected?.bytes ?? 0) + bytes, node)
        return true
    }

    private func release() {
        guard let (bytes, node) = collected.take() else { return }
        services.shares.release(bytes, of: node)
    }

    private func tooMuch(context: ChannelHandlerContext) {
        let answer = KinAnswer(writingTo: context, clock: services.clock, logger: logger)
        answer.refuse(ChatError(.overloaded, "as much of what you ask as may be is under way here"))
        state = .answering(answer)
        release()
    }

    private func tooLong(context: ChannelHandlerContext) {
        if let caller = caller(context) { services.refusedTooLarge(caller) }
        release()
        let answer = KinAnswer(writingTo: context, clock: services.clock, logger: logger)
        answer.refuse(SurfaceRefusal.tooLarge(services.generateLimit))
        state = .answering(answer)
    }

    private func answer(_ head: HTTPRequest, _ body: ByteBuffer, context: ChannelHandlerContext) {
        let answer = KinAnswer(writingTo: context, clock: services.clock, logger: logger)
        state = .answering(answer)
        release()
        do {
            var question = try KinQuestion.decode([UInt8](buffer: body))
            question.trace = services.trace(
                TracedOperation(question.kind), question.id, model: question.model, head.headerFields)
            answer.serves(question)
            question.priority = head.headerFields.kinPriority
            question.deadline = try head.headerFields.kinDeadline(now: services.clock.now)
            guard let engine = services.seat.engine else {
                throw ChatError(.noEngine, "this node has no engine")
            }
            if let caller = caller(context) { services.membership.contact(caller.id) }
            let visit = question.occasion == nil ? services.work.presence?.begin() : nil
            answer.begin(question, with: engine, visit: visit, executor: executor)
        } catch {
            answer.refuse(error)
        }
    }

    // MARK: Ends

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .answering(let answer) = state { answer.writabilityChanged(to: context.channel.isWritable) }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event, case .answering = state {
            return  // a kin that has asked has nothing more to say
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        kinHasGone()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { kinHasGone() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        kinHasGone()
        context.fireErrorCaught(error)
    }

    private func kinHasGone() {
        release()
        if case .answering(let answer) = state { answer.kinHasGone() }
        state = .passing
    }
}
