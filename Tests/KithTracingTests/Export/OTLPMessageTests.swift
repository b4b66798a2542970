// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTracing
import Testing

@Suite("Spans as OTLP writes them")
struct OTLPMessageTests {
    private let message: OTLPMessage

    init() throws {
        message = OTLPMessage(of: .init(node: try #require(NodeName("desk")), instance: "ID", version: "1"))
    }

    private func told(_ span: SpanSnapshot) throws -> JSONObject {
        let body = try JSONValue(parsing: message.body([span]))
        let resource = try #require(body["resourceSpans"]?.arrayValue?.first)
        let scope = try #require(resource["scopeSpans"]?.arrayValue?.first)
        return try #require(scope["spans"]?.arrayValue?.first?.objectValue)
    }

    private func span(_ change: (inout SpanSnapshot) -> Void = { _ in }) throws -> SpanSnapshot {
        var span = SpanSnapshot(
            name: "attempt", role: .client, trace: try #require(TraceID("4bf92f3577b34da6a3ce929d0e0e4736")),
            id: try #require(SpanID("00f067aa0ba902b7")), parent: SpanID("00f067aa0ba902b6"),
            began: 1_700_000_000_000_000_001, duration: 5)
        change(&span)
        return span
    }

    @Test func `Ids are hexadecimal and long numbers are texts`() throws {
        let told = try told(try span())
        #expect(told["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(told["spanId"] == "00f067aa0ba902b7")
        #expect(told["parentSpanId"] == "00f067aa0ba902b6")
        #expect(told["startTimeUnixNano"] == "1700000000000000001")
        #expect(told["endTimeUnixNano"] == "1700000000000000006")
        #expect(told["kind"] == 3)
        #expect(told["status"] == .object([:]))
    }

    @Test func `Attributes have the type of their value`() throws {
        let told = try told(
            try span { $0.attributes = ["text": "a", "count": 3, "share": 0.5, "flag": true, "list": [1]] })
        let expected: JSONValue = [
            ["key": "text", "value": ["stringValue": "a"]], ["key": "count", "value": ["intValue": "3"]],
            ["key": "share", "value": ["doubleValue": 0.5]], ["key": "flag", "value": ["boolValue": true]],
        ]
        #expect(told["attributes"] == expected)
    }

    @Test func `A failure says what it was, and an answer that nobody waited for is none`() throws {
        let failed = try told(
            try span {
                $0.status = .error
                $0.problem = "timeout"
            })
        #expect(failed["status"] == ["code": 2, "message": "timeout"])
        #expect(try told(try span { $0.status = .abandoned })["status"] == .object([:]))
    }

    @Test func `The node is named as the resource`() throws {
        let body = try JSONValue(parsing: message.body([try span()]))
        let attributes = try #require(
            body["resourceSpans"]?.arrayValue?.first?["resource"]?["attributes"]?.arrayValue)
        #expect(attributes.contains(["key": "service.name", "value": ["stringValue": "kith"]]))
        #expect(attributes.contains(["key": "kith.node", "value": ["stringValue": "desk"]]))
    }
}
