// SPDX-License-Identifier: Apache-2.0

import AsyncAlgorithms
import HTTPTypes
import Hummingbird
import KithInference
import KithModel
import KithServer
import Logging
import NIOCore
import Synchronization

/// Writes a routed answer as it comes through the framework, to its end or to an explicit error; never a fake end.
///
/// As ``FastPathStream``, for requests that do not come that way: HTTP/2, text completions, other dialects, and everything
/// unusual.
struct AnswerStreamWriter<Text: AnswerStreamText>: Sendable {
    private let signals: AnswerSignals
    private let services: NodeServices
    private let notice: WaitNotice
    private let logger: Logger
    private let path: String

    /// Begins to look for a node that answers, and waits for at most a second.
    ///
    /// - Parameters:
    ///   - text: Puts the answer in the client's dialect.
    ///   - context: Of the request: who asks.
    /// - Returns: The answer's head and what writes its body.
    /// - Throws: What went wrong within that second; then it has its own status.
    static func response(
        to request: ChatRequest, as text: Text, by context: NodeRequestContext, headers: HTTPFields, path: String,
        services: NodeServices
    ) async throws -> Response {
        let notice = WaitNotice()
        let logger = context.logger
        let signals = AnswerSignals(
            request, by: try context.caller.get(), headers: headers, path: path, notice: notice, services: services)
        let writer = AnswerStreamWriter(
            signals: signals, services: services, notice: notice, logger: logger, path: path)
        var text = text
        var route: RouteReport?
        switch await signals.next() {
        case .routed(let routed)?:
            text.answered(by: routed)
            route = routed.route
        case .ended(let error?)?: throw error
        case .silence?: break
        case .event?, .ended(nil)?, nil: throw CancellationError()  // the client has gone
        }
        return .eventStream(type: Text.contentType, route: route?.headerValue) { [text] in
            try await writer.write(text, to: &$0)
        }
    }

    @concurrent
    private func write(_ text: Text, to writer: inout any ResponseBodyWriter) async throws {
        var text = text
        while let signal = await signals.next() {
            var bytes: [UInt8] = []
            var isOver = false
            switch signal {
            case .silence: text.append(silence: notice.words, now: services.clock.now, to: &bytes)
            case .routed(let routed):
                text.answered(by: routed)
                Text.append(comment: "answered by " + routed.route.headerValue, to: &bytes)
            case .event(let event):
                text.append(event, to: &bytes)
                await text.settle(&bytes)
                if !bytes.isEmpty { signals.heard.note() }
            case .ended(nil):
                services.record(.completed)
                isOver = true
            case .ended(let error?):
                if error is CancellationError { throw error }
                let problem = SurfaceError(error)
                problem.log(path: path, to: logger)
                services.record(.cutOff)
                text.append(problem: problem, to: &bytes)
                isOver = true
            }
            if !bytes.isEmpty { try await writer.write(ByteBuffer(bytes: bytes)) }
            if isOver { break }
        }
        try await writer.finish(nil)
    }
}

/// What happens to one answer, one thing after the other: who gives it, its events, and that nothing was said for a while.
///
/// Dropping it ends the generation.
private final class AnswerSignals: Sendable {
    enum Signal: Sendable {
        case silence
        case routed(RoutedAnswer)
        case event(RoutedEvent)
        case ended((any Error)?)
    }

    /// When the client was last told something. Noted here, but for events: not all of them say something in each dialect.
    let heard: Heard
    private let channel = AsyncChannel<Signal>()
    private let answering: Task<Void, Never>
    private let watching: Task<Void, Never>
    private let place: OpenAnswers.Place

    init(
        _ request: ChatRequest, by caller: Principal, headers: HTTPFields, path: String, notice: WaitNotice,
        services: NodeServices
    ) {
        let heard = Heard(services.clock)
        self.heard = heard
        answering = Task { [channel, heard] in
            func tell(_ signal: Signal) async {
                await channel.send(signal)
                heard.note()
            }
            do {
                var request = request
                request.notice = notice
                let routed = try await services.dispatch(request, by: caller, headers: headers, path: path)
                guard case .stream(let stream) = routed.body else {
                    throw ChatError(.invalidAnswer, "a whole answer came where a stream was asked for")
                }
                await tell(.routed(routed))
                while let event = try await stream.next() { await channel.send(.event(event)) }
                await tell(.ended(nil))
            } catch {
                await tell(.ended(error))
            }
            channel.finish()
        }
        place = services.answers.add { [channel] in
            Task { await channel.send(.ended(OpenAnswers.failure)) }
        }
        watching = Task { [channel, heard] in
            let heartbeat = services.limits.heartbeat
            var limit = min(.seconds(1), heartbeat)
            while !Task.isCancelled {
                do { try await services.clock.sleep(for: limit) } catch { return }
                let silence = heard.silence
                limit = silence < limit ? limit - silence : heartbeat
                if limit == heartbeat { await channel.send(.silence) }
            }
        }
    }

    deinit {
        answering.cancel()
        watching.cancel()
    }

    /// - Returns: `nil` when everything was passed on, or the calling task was cancelled.
    func next() async -> Signal? {
        var iterator = channel.makeAsyncIterator()
        return await iterator.next()
    }

    final class Heard: Sendable {
        private let clock: any TimeSource
        private let at: Mutex<MonotonicInstant>

        init(_ clock: any TimeSource) {
            self.clock = clock
            at = Mutex(clock.now)
        }

        var silence: Duration { clock.now - at.withLock { $0 } }

        func note() { at.withLock { $0 = clock.now } }
    }
}
