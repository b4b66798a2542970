// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithInference
import KithModel
import KithServer
import NIOCore

/// Writes one streamed answer into its connection, event by event as they come, without a task of its own.
///
/// After a second in which nothing could be said the client gets the head of the answer and a comment that says what is
/// happening, then one in each ``SurfaceLimits/heartbeat``. Until the head is out, an error has its own status; after it, it is
/// an event. Bound to the connection's event loop.
final class FastPathStream: RoutedEventReceiver {
    /// How long a client hears nothing at the beginning.
    static let patience = TimeAmount.seconds(1)

    private enum Phase {
        /// A node that answers is being looked for. Leaves to `flowing` or `over`.
        case dispatching(Task<Void, Never>?)
        /// Leaves to `over`.
        case flowing(TokenStream.Flow)
        case over
    }

    private let completion: any DialectCompletion
    private let id: RequestID
    private let request: FastPathRequest
    private let caller: Principal
    /// What the client is told besides.
    private let fields: [HTTPField]
    private let route: FastPath
    private let eventLoop: any EventLoop
    private let heartbeat: TimeAmount
    /// Takes bytes for the connection, and whether they are the last of the answer; `nil` once it has gone.
    private var write: ((ByteBuffer, Bool) -> Void)?
    private let notice = WaitNotice()
    private var phase = Phase.dispatching(nil)
    private var text: any AnswerStreamText
    /// Events that have not been sent.
    private var events: [UInt8] = []
    /// The head is out.
    private var isOpen = false
    /// The head that goes out with the first events.
    private var head: ByteBuffer?
    private var wroteAt = NIODeadline.now()
    private var beat: Scheduled<Void>?
    private var isHeld = false
    private var place: OpenAnswers.Place?
    private let began = NIODeadline.now()
    private var outcome = RequestMeter.Outcome.abandoned

    init(
        _ completion: any DialectCompletion, _ id: RequestID, for request: FastPathRequest, of caller: Principal,
        fields: [HTTPField], by route: FastPath, on eventLoop: any EventLoop,
        write: @escaping (ByteBuffer, Bool) -> Void
    ) {
        self.completion = completion
        self.id = id
        self.request = request
        self.caller = caller
        self.fields = fields
        self.route = route
        self.eventLoop = eventLoop
        self.write = write
        heartbeat = TimeAmount(route.services.limits.heartbeat)
        text = completion.streamText
    }

    private var name: RequestID { request.name(or: id) }

    func begin(executor: EventLoopExecutor) {
        beatLater(in: min(Self.patience, heartbeat))
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        place = route.services.answers.add { [eventLoop] in eventLoop.execute { bound.value.nodeStops() } }
        notice.whenCommented { [eventLoop] comment in
            if eventLoop.inEventLoop {
                bound.value.commented(comment)
            } else {
                eventLoop.execute { bound.value.commented(comment) }
            }
        }
        // A task of its own, because a channel handler has none; cancelled when the client goes. It begins here and now, so
        // that the request is on its way to the engine before the event loop looks for other work.
        let task = Task.immediate(executorPreference: executor) { [route, eventLoop, notice] in
            let result: Result<RoutedAnswer, any Error>
            do {
                var asked = bound.value.completion.request
                asked.notice = notice
                result = .success(
                    try await route.services.dispatch(
                        asked, by: bound.value.caller, headers: bound.value.request.wishes,
                        path: bound.value.request.route.rawValue))
            } catch {
                result = .failure(error)
            }
            if eventLoop.inEventLoop {
                bound.value.dispatched(result)
            } else {
                eventLoop.execute { bound.value.dispatched(result) }
            }
        }
        if case .dispatching(nil) = phase { phase = .dispatching(task) }
    }

    /// The client has gone.
    func clientHasGone() {
        write = nil
        end()
    }

    private func nodeStops() {
        guard write != nil else { return }
        fail(OpenAnswers.failure)
    }

    /// - Parameter isWritable: Whether the client takes what is written as fast as it is written.
    func writabilityChanged(to isWritable: Bool) {
        isHeld = !isWritable
        guard case .flowing(let flow) = phase else { return }
        if isWritable { flow.resumeReads() } else { flow.holdReads() }
    }

    // MARK: Input

    private func dispatched(_ result: Result<RoutedAnswer, any Error>) {
        guard write != nil else { return }
        switch result {
        case .success(let routed):
            guard case .stream(let stream) = routed.body else {
                return fail(ChatError(.invalidAnswer, "a whole answer came where a stream was asked for"))
            }
            text.answered(by: routed)
            if isOpen {
                type(of: text).append(comment: "answered by " + routed.route.headerValue, to: &events)
            } else {
                open(routed.route)
            }
            let flow = stream.flow(on: eventLoop, to: self)
            guard case .dispatching = phase else { return }  // it was passed on whole at once
            phase = .flowing(flow)
            if isHeld { flow.holdReads() }
        case .failure(let error): fail(error)
        }
    }

    func received(_ event: ChatEvent) { text.append(event, to: &events) }

    func continued(_ continuation: RouteRecord.Continuation) { text.append(continuation, to: &events) }

    func readEnded() { send() }

    func ended(_ failure: (any Error)?) {
        if let failure { return fail(failure) }
        outcome = .ok
        route.services.record(.completed)
        send(isLast: true)
    }

    // MARK: Output

    private func open(_ report: RouteReport?) {
        isOpen = true
        head = PlainReply.eventStreamHead(route: report?.headerValue, request: name, fields: fields)
    }

    private func fail(_ error: any Error) {
        if error is CancellationError { return give(nil) }
        let problem = SurfaceError(error)
        outcome = RequestMeter.Outcome(problem.status)
        problem.log(path: request.route.rawValue, request: name, to: route.logger)
        if !isOpen, completion.isToldInStream(problem) { open((error as? DispatchError)?.route) }
        // Encoding these few strings cannot fail.
        guard isOpen else {
            var reply = try? problem.reply(in: type(of: completion).errors)
            reply?.name(name)
            if !fields.isEmpty { reply?.add(fields) }
            return give(reply?.http1)
        }
        route.services.record(.cutOff)
        text.append(problem: problem, to: &events)
        send(isLast: true)
    }

    /// Sends what there is as one chunk (RFC 9112, 7.1), and after the last one the end of the body.
    private func send(isLast: Bool = false) {
        guard let write, isOpen, isLast || !events.isEmpty else { return }
        var buffer = head.take() ?? ByteBuffer()
        if !events.isEmpty {
            buffer.writeChunk(events)
            events = []
        }
        if isLast { buffer.writeStaticString("0\r\n\r\n") }
        wroteAt = .now()
        if isLast { end() }
        write(buffer, isLast)
    }

    /// An answer in one piece; `nil` gives the client up.
    private func give(_ reply: ByteBuffer?) {
        let write = write.take()
        end()
        write?(reply ?? ByteBuffer(), true)
    }

    private func end() {
        beat?.cancel()
        beat = nil
        switch phase {
        case .dispatching(let task): task?.cancel()
        case .flowing(let flow): flow.cancel()
        case .over: return
        }
        phase = .over
        route.note(outcome, on: request.route, since: began, of: id)
        notice.stopTelling()  // it and this retain each other
        place = nil  // as does this
    }

    // MARK: Silence

    /// The engine has begun to speak, though not to answer.
    private func commented(_ comment: String) {
        guard write != nil, case .dispatching = phase else { return }
        if !isOpen { open(nil) }
        type(of: text).append(comment: comment, to: &events)
        send()
    }

    private func beatLater(in delay: TimeAmount) {
        beat = eventLoop.assumeIsolated().scheduleTask(in: delay) { self.beatNow() }
    }

    private func beatNow() {
        guard write != nil else { return }
        let silence = NIODeadline.now() - wroteAt
        guard silence >= min(isOpen ? heartbeat : Self.patience, heartbeat) else {
            return beatLater(in: heartbeat - silence)
        }
        if !isOpen { open(nil) }
        text.append(silence: notice.words, now: route.services.clock.now, to: &events)
        send()
        beatLater(in: heartbeat)
    }
}
