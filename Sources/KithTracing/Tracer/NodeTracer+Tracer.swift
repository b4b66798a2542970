// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import Tracing

extension NodeTracer: Tracer {
    package typealias Span = NodeSpan

    package func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> NodeSpan {
        let context = context()
        let now = anchor.instant(nanosecondsSince1970: instant().nanosecondsSinceEpoch)
        let span: TraceSpan? =
            switch context.tracePosition {
            case .recorded(let above)?:
                TraceSpan(in: above.recorder, .other(operationName), SpanRole(kind), parent: above.id, at: now)
            case .passing(let caller)?: begin(operationName, SpanRole(kind), from: caller, at: now)
            case .untraced?, nil: begin(operationName, SpanRole(kind), from: nil, at: now)
            }
        return NodeSpan(span, under: context, name: operationName, tracer: self)
    }

    package func startAnySpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> any Tracing.Span {
        startSpan(
            operationName, context: context(), ofKind: kind, at: instant(), function: function, file: fileID,
            line: line)
    }

    /// Nothing waits here: finished spans are passed on as they end.
    package func forceFlush() {}

    package func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let parent = extractor.extract(key: TraceHeader.parent, from: carrier) else { return }
        let state = extractor.extract(key: TraceHeader.state, from: carrier)
        guard let caller = TraceContext(parent: parent, state: state.map { [$0] } ?? []) else { return }
        context.tracePosition = .passing(caller)
    }

    package func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let here = context.tracePosition?.context else { return }
        injector.inject(here.parent, forKey: TraceHeader.parent, into: &carrier)
        if !here.state.isEmpty { injector.inject(here.state, forKey: TraceHeader.state, into: &carrier) }
    }
}

extension ServiceContext {
    private enum PositionKey: ServiceContextKey {
        typealias Value = TracePosition
        static var nameOverride: String? { "kith.trace" }
    }

    /// Where in a trace the code is; `nil` for nowhere.
    package var tracePosition: TracePosition? {
        get { self[PositionKey.self] }
        set { self[PositionKey.self] = newValue }
    }
}

extension SpanRole {
    init(_ kind: SpanKind) {
        switch kind {
        case .server: self = .server
        case .client: self = .client
        case .producer: self = .producer
        case .consumer: self = .consumer
        case .internal: self = .inside
        }
    }
}
