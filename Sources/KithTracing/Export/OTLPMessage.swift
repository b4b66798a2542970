// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Spans as OTLP's mapping to JSON writes them: `POST /v1/traces` (OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding").
/// Ids are hexadecimal and 64-bit numbers are strings.
package struct OTLPMessage: Sendable {
    /// Of whom the spans are.
    package struct Resource: Hashable, Sendable {
        package var node: NodeName
        /// The node's id.
        package var instance: String
        package var version: String

        package init(node: NodeName, instance: String, version: String) {
            self.node = node
            self.instance = instance
            self.version = version
        }
    }

    private let resource: Resource

    package init(of resource: Resource) { self.resource = resource }

    package func body(_ spans: [SpanSnapshot]) -> [UInt8] {
        let told: JSONObject = [
            "service.name": "kith", "service.version": .string(resource.version),
            "service.instance.id": .string(resource.instance), "kith.node": .string(resource.node.rawValue),
        ]
        let scope: JSONObject = ["name": "kith", "version": .string(resource.version)]
        let scopeSpans: JSONObject = [
            "scope": .object(scope), "spans": .array(spans.map { .object(Self.object($0)) }),
        ]
        let resourceSpans: JSONObject = [
            "resource": .object(["attributes": Self.attributes(told)]), "scopeSpans": .array([.object(scopeSpans)]),
        ]
        let message: JSONObject = ["resourceSpans": .array([.object(resourceSpans)])]
        return message.jsonBytes
    }

    private static func object(_ span: SpanSnapshot) -> JSONObject {
        var object: JSONObject = [
            "traceId": .string(span.trace.description), "spanId": .string(span.id.description),
        ]
        object["parentSpanId"] = span.parent.map { .string($0.description) }
        object["name"] = .string(span.name)
        object["kind"] = .integer(Int64(span.role.rawValue))
        object["startTimeUnixNano"] = number(span.began)
        object["endTimeUnixNano"] = number(span.began.addingReportingOverflow(span.duration).partialValue)
        object["attributes"] = attributes(span.attributes)
        if !span.moments.isEmpty { object["events"] = .array(span.moments.map { .object(event($0)) }) }
        object["status"] = .object(status(of: span))
        return object
    }

    private static func event(_ moment: SpanSnapshot.Moment) -> JSONObject {
        ["timeUnixNano": number(moment.at), "name": .string(moment.name), "attributes": attributes(moment.attributes)]
    }

    /// Left unset for what went well, as instrumentation is asked to leave it; an answer that nobody waited for is no error.
    private static func status(of span: SpanSnapshot) -> JSONObject {
        guard span.status == .error else { return [:] }
        var status: JSONObject = ["code": 2]
        status["message"] = span.problem.map { .string($0) }
        return status
    }

    private static func attributes(_ attributes: JSONObject) -> JSONValue {
        .array(
            attributes.compactMap { key, value in
                Self.value(value).map { .object(["key": .string(key), "value": .object($0)]) }
            })
    }

    private static func value(_ value: JSONValue) -> JSONObject? {
        switch value {
        case .string(let text): ["stringValue": .string(text)]
        case .integer(let integer): ["intValue": number(integer)]
        case .number(let double): double.isFinite ? ["doubleValue": .number(double)] : nil
        case .bool(let flag): ["boolValue": .bool(flag)]
        case .array, .object, .numeral, .null: nil
        }
    }

    private static func number(_ value: Int64) -> JSONValue { .string(String(value)) }
}
