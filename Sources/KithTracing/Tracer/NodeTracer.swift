// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Begins the traces of a node's requests and keeps the last of them.
///
/// The way of a prompt takes no task with task-local values, so a trace travels with the request as a ``TracePosition``.
/// For code that speaks swift-distributed-tracing this is a `Tracer` like any other, whose spans are the same.
package final class NodeTracer: Sendable {
    package let ring: TraceRing
    package let clock: any TimeSource
    private let sample: TraceSample
    private let allowance: TraceAllowance
    private let onEnd: (@Sendable (TraceRecorder) -> Void)?

    /// - Parameters:
    ///   - sample: The share of traces that are recorded, 0 to 1.
    ///   - perSecond: Traces that are begun a second at most, on the average, beside those of callers that record them too:
    ///     where thousands come, nobody looks at each, and all together would cost what the answers cost.
    ///   - onEnd: Called with a recorder none of whose spans is open any more, in the task that ended the last; must not
    ///     wait.
    package init(
        sample: Double = 1, perSecond: Int = 100, ring: TraceRing = TraceRing(), clock: any TimeSource,
        onEnd: (@Sendable (TraceRecorder) -> Void)? = nil
    ) {
        self.sample = TraceSample(share: sample)
        allowance = TraceAllowance(perSecond: perSecond)
        self.ring = ring
        self.clock = clock
        self.onEnd = onEnd
    }

    /// Begins this node's part of a request's trace.
    ///
    /// - Parameters:
    ///   - name: `request` of a client, or `serve` of a kin.
    ///   - caller: Where the caller was, if it said so.
    package func begin(
        _ name: SpanName, _ operation: TracedOperation, request: RequestID, path: String? = nil, model: ModelID? = nil,
        from caller: TraceContext?
    ) -> TracePosition {
        let trace = caller?.trace ?? TraceID(of: request)
        guard takes(trace, caller) else { return caller.map { .passing($0) } ?? .untraced }
        let recorder = TraceRecorder(
            trace: trace, request: request, operation: operation, path: path, isSampled: caller?.isSampled ?? true,
            tracestate: caller?.state ?? "", onEnd: onEnd)
        let span = TraceSpan(
            in: recorder, name, .server, parent: caller?.span, SpanDetail(model: model), at: clock.now)
        ring.add(recorder)
        return span.map { .recorded($0) } ?? .untraced
    }

    /// As ``begin(_:_:request:path:model:from:)``, for code that is no part of the way of a prompt.
    func begin(_ name: String, _ role: SpanRole, from caller: TraceContext?, at now: MonotonicInstant) -> TraceSpan? {
        let trace = caller?.trace ?? TraceID(of: RequestID.random())
        guard takes(trace, caller) else { return nil }
        let recorder = TraceRecorder(
            trace: trace, isSampled: caller?.isSampled ?? true, tracestate: caller?.state ?? "", onEnd: onEnd)
        ring.add(recorder)
        return TraceSpan(in: recorder, .other(name), role, parent: caller?.span, at: now)
    }

    private func takes(_ trace: TraceID, _ caller: TraceContext?) -> Bool {
        sample.takes(trace, caller: caller) && (caller?.isSampled == true || allowance.takes(at: clock.now))
    }

    package var anchor: ClockAnchor { ClockAnchor(wall: .now(), monotonic: clock.now) }
}

/// Which traces are recorded: those of callers that record them too, and of the others a share, by their ids, so that all
/// nodes take the same.
struct TraceSample: Sendable {
    /// Ids below are taken; `nil` takes none at all.
    private let limit: UInt64?

    init(share: Double) { limit = share > 0 ? UInt64(exactly: (min(share, 1) * 0x1p63).rounded()) : nil }

    func takes(_ trace: TraceID, caller: TraceContext?) -> Bool {
        guard let limit else { return false }
        return caller?.isSampled == true || trace.low >> 1 < limit
    }
}

/// The last traces of a node, running ones too; bounded.
package final class TraceRing: Sendable {
    private struct State {
        var recorders: [TraceRecorder] = []
        var next = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    package init(capacity: Int = 1_024) { self.capacity = max(1, capacity) }

    func add(_ recorder: TraceRecorder) {
        // What it takes the place of ends outside of the lock.
        let last = state.withLock { state -> TraceRecorder? in
            guard state.recorders.count == capacity else {
                state.recorders.append(recorder)
                return nil
            }
            let last = state.recorders[state.next]
            state.recorders[state.next] = recorder
            state.next = (state.next + 1) % capacity
            return last
        }
        withExtendedLifetime(last) {}
    }

    /// What this node knows of a request or a trace, the oldest first.
    ///
    /// - Parameter name: A request's id, or a trace's: all spans of that trace belong to it.
    package func find(_ name: RequestID) -> [TraceRecorder] {
        let all = state.withLock { Array($0.recorders[$0.next...] + $0.recorders[..<$0.next]) }
        let named = Set(all.filter { $0.request == name }.map(\.trace) + [TraceID(name.rawValue)].compactMap { $0 })
        return all.filter { named.contains($0.trace) }
    }
}
