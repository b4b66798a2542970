// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithInference
import KithModel
import KithServer
import Logging
import NIOCore
import NIOHTTPTypes

/// One answer of this node's engine to a kin, written as it is made, with a sign of life while nothing is said. Bound
/// to the event loop of its stream.
final class KinAnswer: ChatEventReceiver {
    private enum Phase {
        /// Leaves to `asking` or `over`.
        case new
        /// The engine has not accepted the request yet. Leaves to `flowing` or `over`.
        case asking(Task<Void, Never>?)
        /// Leaves to `over`.
        case flowing(EngineFlow)
        case over
    }

    private let eventLoop: any EventLoop
    private let clock: any TimeSource
    private let logger: Logger
    /// Of the question, once it has been read.
    private var request: RequestID?
    private var trace: TracePosition?
    private var context: ChannelHandlerContext?
    private let notice = WaitNotice()
    private var phase = Phase.new
    private var isOpen = false
    private var bytes: [UInt8] = []
    private var wroteAt = NIODeadline.now()
    private var beat: Scheduled<Void>?
    private var isHeld = false
    /// Kept for as long as the answer takes.
    private var visit: (any Sendable)?

    init(writingTo context: ChannelHandlerContext, clock: any TimeSource, logger: Logger) {
        self.context = context
        self.clock = clock
        self.logger = logger
        eventLoop = context.eventLoop
        isHeld = !context.channel.isWritable
    }

    /// It is known what is asked.
    func serves(_ question: ChatRequest) {
        request = question.id
        trace = question.trace
    }

    func begin(
        _ question: ChatRequest, with engine: LocalEngine, visit: (any Sendable)?, executor: EventLoopExecutor
    ) {
        self.visit = visit
        var question = question
        question.notice = notice
        phase = .asking(nil)
        if !question.wantsWholeAnswer { beatLater(in: Self.heartbeat) }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        // A task of its own, because a channel handler has none; cancelled when the kin goes.
        let task = Task.immediate(executorPreference: executor) { [question, eventLoop, clock] in
            let result: Result<ChatAnswer, any Error>
            do {
                result = .success(try await engine.until(question.deadline, clock: clock).answer(question))
            } catch {
                result = .failure(error)
            }
            if eventLoop.inEventLoop {
                bound.value.accepted(result)
            } else {
                eventLoop.execute { bound.value.accepted(result) }
            }
        }
        if case .asking(nil) = phase { phase = .asking(task) }
    }

    func kinHasGone() {
        context = nil
        end()
    }

    func writabilityChanged(to isWritable: Bool) {
        isHeld = !isWritable
        guard case .flowing(let flow) = phase else { return }
        if isWritable { flow.resumeReads() } else { flow.holdReads() }
    }

    /// Says why there is no answer, with a status of its own as long as nothing of the answer has been sent.
    func refuse(_ error: any Error) {
        guard context != nil else { return }
        if error is CancellationError { return close() }
        trace?.end(with: error, at: clock.now)
        do {
            let problem = SurfaceError(error)
            problem.log(path: PeerWire.generatePath, request: request, to: logger)
            guard isOpen || !bytes.isEmpty else {
                let reply = try problem.reply(in: .peer)
                var fields: HTTPFields = [.contentType: "application/json"]
                fields[.contentLength] = String(reply.body.readableBytes)
                return give(HTTPResponse(status: reply.status, headerFields: fields), reply.body)
            }
            bytes.append(contentsOf: try PeerWire.Line.failure(problem.asFailure).event())
            send(isLast: true)
        } catch {
            close()  // encoding these few strings cannot fail
        }
    }

    // MARK: What the engine says

    private func accepted(_ result: Result<ChatAnswer, any Error>) {
        guard context != nil else { return }
        switch result {
        case .failure(let error): refuse(error)
        case .success(.verbatim(let answer)):
            completed()
            var fields: HTTPFields = [.contentType: answer.contentType]
            fields[.kithEngineTime] = answer.engineTime.map { String($0.milliseconds) }
            fields[.contentLength] = String(answer.body.count)
            give(HTTPResponse(status: .ok, headerFields: fields), ByteBuffer(bytes: answer.body))
        case .success(.events(let stream)):
            guard let reader = EngineStream(stream).takeReader() else { return close() }
            if beat == nil { beatLater(in: Self.heartbeat) }
            let flow = reader.flow(on: eventLoop, to: self)
            guard case .asking = phase else { return }  // it was passed on whole at once
            phase = .flowing(flow)
            if isHeld { flow.holdReads() }
        }
    }

    func received(_ event: ChatEvent) {
        do {
            bytes.append(contentsOf: try PeerWire.bytes(of: event))
        } catch {
            refuse(error)
        }
    }

    func readEnded() { send() }

    func ended(_ failure: (any Error)?) {
        if let failure { return refuse(failure) }
        completed()
        send(isLast: true)
    }

    private func completed() {
        trace?.end(at: clock.now)
        if let request { logger.debug("a kin was answered", metadata: [RequestLog.key: "\(request)"]) }
    }

    // MARK: Output

    private func send(isLast: Bool = false) {
        guard let context, isLast || !bytes.isEmpty else { return }
        if !isOpen {
            isOpen = true
            write(.head(HTTPResponse(status: .ok, headerFields: [.contentType: PeerWire.eventsType])), context)
        }
        if !bytes.isEmpty {
            write(.body(ByteBuffer(bytes: bytes)), context)
            bytes.removeAll(keepingCapacity: bytes.count <= 4 << 10)
        }
        wroteAt = .now()
        if isLast {
            end()
            self.context = nil
            write(.end(nil), context)
        }
        context.flush()
    }

    private func give(_ head: HTTPResponse, _ body: ByteBuffer) {
        guard let context = context.take() else { return }
        end()
        write(.head(head), context)
        if body.readableBytes > 0 { write(.body(body), context) }
        write(.end(nil), context)
        context.flush()
    }

    private func write(_ part: HTTPResponsePart, _ context: ChannelHandlerContext) {
        context.write(NIOAny(part), promise: nil)
    }

    /// Nothing is left to send.
    private func close() {
        let context = context.take()
        end()
        context?.close(promise: nil)
    }

    private func end() {
        beat?.cancel()
        beat = nil
        visit = nil
        trace?.end(.abandoned, at: clock.now)  // unless it has ended already
        trace = nil
        let ended = phase
        phase = .over
        switch ended {
        case .asking(let task): task?.cancel()
        case .flowing(let flow): flow.cancel()
        case .new, .over: break
        }
    }

    // MARK: Silence

    private static let heartbeat = TimeAmount(PeerWire.keepAlive)

    private func beatLater(in delay: TimeAmount) {
        beat = eventLoop.assumeIsolated().scheduleTask(in: delay) { self.beatNow() }
    }

    private func beatNow() {
        guard context != nil else { return }
        let silence = NIODeadline.now() - wroteAt
        guard silence >= Self.heartbeat else { return beatLater(in: Self.heartbeat - silence) }
        do {
            bytes.append(contentsOf: try PeerWire.Line.event(.waiting(notice.reason)).event())
        } catch {
            return refuse(error)
        }
        send()
        beatLater(in: Self.heartbeat)
    }
}
