// SPDX-License-Identifier: Apache-2.0

import KithModel
package import Tracing

/// A span of a ``NodeTracer`` in the terms of swift-distributed-tracing.
package struct NodeSpan: Tracing.Span {
    /// `nil` where nothing is recorded.
    private let span: TraceSpan?
    private let tracer: NodeTracer
    private let name: String
    package let context: ServiceContext

    init(_ span: TraceSpan?, under context: ServiceContext, name: String, tracer: NodeTracer) {
        self.span = span
        self.name = name
        self.tracer = tracer
        var context = context
        if let span { context.tracePosition = .recorded(span) }
        self.context = context
    }

    package var isRecording: Bool { span?.read { $0.ended == nil } ?? false }

    package var operationName: String {
        get {
            guard case .other(let name)? = span?.read({ $0.name }) else { return name }
            return name
        }
        nonmutating set { span?.change { $0.name = .other(newValue) } }
    }

    package var attributes: SpanAttributes {
        get {
            var told: SpanAttributes = [:]
            for (key, value) in span?.read({ $0.notes.attributes }) ?? [:] { told[key] = SpanAttribute(value) }
            return told
        }
        nonmutating set {
            let told = JSONObject(newValue)
            span?.change { $0.notes.attributes = told }
        }
    }

    package func setStatus(_ status: SpanStatus) {
        span?.change { record in
            switch status.code {
            case .ok: record.outcome = .completed
            case .error: record.outcome = .broke
            }
            record.notes.problem = status.message
        }
    }

    package func addEvent(_ event: SpanEvent) {
        let at = tracer.anchor.instant(nanosecondsSince1970: event.nanosecondsSinceEpoch)
        let moment = SpanMoment(event.name, at: at, attributes: JSONObject(event.attributes))
        span?.change { if $0.notes.moments.count < Self.momentLimit { $0.notes.moments.append(moment) } }
    }

    package func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        var attributes = attributes
        // The type only: what an error says may hold what was asked.
        attributes["exception.type"] = SpanAttribute.string(String(reflecting: type(of: error)))
        addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
    }

    /// The spans of a request have no links: each has one cause.
    package func addLink(_ link: SpanLink) {}

    package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard let span else { return }
        span.end(at: tracer.anchor.instant(nanosecondsSince1970: instant().nanosecondsSinceEpoch))
    }

    private static let momentLimit = 64
}

extension SpanAttribute {
    init?(_ value: JSONValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .integer(let number): self = .int64(number)
        case .number(let number): self = .double(number)
        case .bool(let flag): self = .bool(flag)
        case .array, .object, .numeral, .null: return nil
        }
    }
}

extension JSONObject {
    private static let attributeLimit = 64

    init(_ attributes: SpanAttributes) {
        var told: JSONObject = [:]
        attributes.forEach { key, value in
            if told.count < Self.attributeLimit { told[key] = JSONValue(value) }
        }
        self = told
    }
}

extension JSONValue {
    /// - Returns: `nil` for lists, which no code here notes.
    fileprivate init?(_ attribute: SpanAttribute) {
        switch attribute {
        case .string(let text): self = .string(text)
        case .int32(let number): self = .integer(Int64(number))
        case .int64(let number): self = .integer(number)
        case .double(let number): self = .number(number)
        case .bool(let flag): self = .bool(flag)
        case .stringConvertible(let value): self = .string("\(value)")
        default: return nil
        }
    }
}
