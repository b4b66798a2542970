// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The spans of one request in one node.
///
/// One object for all of them, with values in it, so that a request pays for two pieces of memory and short locks and no
/// more; names, attributes and texts are made when somebody reads (``snapshots(_:)``).
package final class TraceRecorder: Sendable {
    /// Spans that are kept; of what follows only the number is.
    package static let spanLimit = 64
    private static let ordinaryCount = 6

    private struct State {
        var spans: [SpanRecord] = []
        var open = 0
        var dropped = 0
        /// How many have been taken for export.
        var exported = 0
    }

    package let trace: TraceID
    package let request: RequestID?
    package let operation: TracedOperation?
    /// The path that the request came on.
    package let path: String?
    package let isSampled: Bool
    package let tracestate: String
    /// The ids of the spans follow it.
    private let firstID: UInt64
    private let onEnd: (@Sendable (TraceRecorder) -> Void)?
    private let state = Mutex(State())

    /// - Parameter onEnd: Called when no span is open any more; may be called again when another one ends after that.
    package init(
        trace: TraceID, request: RequestID? = nil, operation: TracedOperation? = nil, path: String? = nil,
        isSampled: Bool, tracestate: String = "", onEnd: (@Sendable (TraceRecorder) -> Void)? = nil
    ) {
        self.trace = trace
        self.request = request
        self.operation = operation
        self.path = path
        self.isSampled = isSampled
        self.tracestate = tracestate
        self.onEnd = onEnd
        // Far enough from the end that no id overflows, and never 0.
        firstID = BulkRandom().next() & (.max >> 1) | 1 << 62
    }

    func id(at place: Int) -> SpanID? { SpanID(rawValue: firstID &+ UInt64(clamping: place)) }

    /// - Returns: `nil` when there are too many.
    func begin(
        _ name: SpanName, _ role: SpanRole, parent: SpanID?, _ detail: SpanDetail, at now: MonotonicInstant
    ) -> Int? {
        state.withLock { state in
            guard state.spans.count < Self.spanLimit else {
                state.dropped += 1
                return nil
            }
            if state.spans.isEmpty { state.spans.reserveCapacity(Self.ordinaryCount) }
            state.open += 1
            state.spans.append(
                SpanRecord(name, role, parent: parent, began: now, detail: detail))
            return state.spans.count - 1
        }
    }

    /// The first end counts.
    func end(_ place: Int, _ outcome: SpanOutcome, _ detail: SpanDetail?, at now: MonotonicInstant) {
        let isLast = state.withLock { state in
            guard state.spans[place].ended == nil else { return false }
            state.spans[place].ended = now
            if state.spans[place].outcome == .open || outcome != .completed { state.spans[place].outcome = outcome }
            if let detail { state.spans[place].detail.merge(detail) }
            state.open -= 1
            return state.open == 0
        }
        if isLast { onEnd?(self) }
    }

    /// Does nothing to a span that has ended.
    func change(_ place: Int, _ change: (inout SpanRecord) -> Void) {
        state.withLock { state in
            if state.spans[place].ended == nil { change(&state.spans[place]) }
        }
    }

    func read<Value>(_ place: Int, _ value: (SpanRecord) -> Value) -> Value {
        state.withLock { value($0.spans[place]) }
    }

    /// The spans and their ids, those that go on too.
    package var spans: [(id: SpanID, record: SpanRecord)] {
        let spans = state.withLock(\.spans)
        return spans.enumerated().compactMap { place, record in id(at: place).map { ($0, record) } }
    }

    /// Spans that there was no room for.
    package var droppedCount: Int { state.withLock(\.dropped) }

    /// The spans that have ended and are not known to be exported, up to the first that goes on.
    package var unexported: [(id: SpanID, record: SpanRecord)] {
        let (spans, first) = state.withLock { state in
            let rest = state.spans[state.exported...]
            let end = rest.firstIndex { $0.ended == nil } ?? state.spans.count
            return (Array(rest[..<end]), state.exported)
        }
        return spans.enumerated().compactMap { place, record in id(at: first + place).map { ($0, record) } }
    }

    /// - Parameter count: How many of ``unexported`` have been sent.
    package func exported(_ count: Int) {
        state.withLock { $0.exported = min($0.exported + max(0, count), $0.spans.count) }
    }
}

/// One span of a ``TraceRecorder``.
package struct TraceSpan: Sendable {
    package let recorder: TraceRecorder
    let place: Int

    /// - Returns: `nil` when the recorder has no room.
    package init?(
        in recorder: TraceRecorder, _ name: SpanName, _ role: SpanRole, parent: SpanID?,
        _ detail: SpanDetail = SpanDetail(), at now: MonotonicInstant
    ) {
        guard let place = recorder.begin(name, role, parent: parent, detail, at: now) else { return nil }
        self.recorder = recorder
        self.place = place
    }

    package var id: SpanID? { recorder.id(at: place) }

    /// What is told to those that are asked from here.
    package var context: TraceContext? {
        id.map {
            TraceContext(trace: recorder.trace, span: $0, isSampled: recorder.isSampled, state: recorder.tracestate)
        }
    }

    package func end(
        _ outcome: SpanOutcome = .completed, _ detail: SpanDetail? = nil, at now: MonotonicInstant
    ) { recorder.end(place, outcome, detail, at: now) }

    /// Does nothing to a span that has ended.
    package func change(_ change: (inout SpanRecord) -> Void) { recorder.change(place, change) }

    package func read<Value>(_ value: (SpanRecord) -> Value) -> Value { recorder.read(place, value) }
}

/// Where in a trace something happens; travels with a request as a value.
package enum TracePosition: Sendable {
    case untraced
    /// In a trace that others record and this node does not: it is passed on as it came.
    case passing(TraceContext)
    case recorded(TraceSpan)

    package var context: TraceContext? {
        switch self {
        case .untraced: nil
        case .passing(let context): context
        case .recorded(let span): span.context
        }
    }

    /// Begins a span below this one; where nothing is recorded, the position stays what it is.
    ///
    /// - Parameter now: Evaluated only where something is recorded.
    package func begin(
        _ name: SpanName, _ role: SpanRole = .inside, _ detail: @autoclosure () -> SpanDetail = SpanDetail(),
        at now: @autoclosure () -> MonotonicInstant
    ) -> TracePosition {
        guard case .recorded(let above) = self else { return self }
        if let span = TraceSpan(in: above.recorder, name, role, parent: above.id, detail(), at: now()) {
            return .recorded(span)
        }
        return above.context.map { .passing($0) } ?? .untraced
    }

    package func end(
        _ outcome: SpanOutcome = .completed, _ detail: @autoclosure () -> SpanDetail? = nil,
        at now: @autoclosure () -> MonotonicInstant
    ) {
        guard case .recorded(let span) = self else { return }
        span.end(outcome, detail(), at: now())
    }

    /// Ends it with what went wrong.
    package func end(with error: any Error, at now: @autoclosure () -> MonotonicInstant) {
        guard case .recorded(let span) = self else { return }
        span.end(SpanOutcome(error), nil, at: now())
    }

    package func sawFirstToken(at now: @autoclosure () -> MonotonicInstant) {
        guard case .recorded(let span) = self else { return }
        let now = now()
        span.change { if $0.firstToken == nil { $0.firstToken = now } }
    }
}

/// Ends a span as abandoned when nobody holds it any more and nothing else has ended it.
package final class TraceGuard: Sendable {
    package let position: TracePosition
    private let clock: any TimeSource

    package init(_ position: TracePosition, clock: any TimeSource) {
        self.position = position
        self.clock = clock
    }

    deinit { position.end(.abandoned, at: clock.now) }
}

/// By what a request is known to those that are asked for it.
package struct RequestMark: Sendable {
    package var id: RequestID
    package var context: TraceContext?

    package init(id: RequestID, context: TraceContext?) {
        self.id = id
        self.context = context
    }
}

extension ChatRequest {
    package var mark: RequestMark { RequestMark(id: id, context: trace.context) }
}

extension EmbeddingRequest {
    package var mark: RequestMark { RequestMark(id: id, context: trace.context) }
}

extension PassThroughRequest {
    package var mark: RequestMark { RequestMark(id: id, context: trace.context) }
}

extension SpanOutcome {
    package init(_ error: any Error) {
        guard let failure = error as? ChatError, failure.code != .cancelled else {
            self = .abandoned
            return
        }
        self = .failed(failure.code)
    }
}
