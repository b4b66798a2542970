// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node says about how a request went, below `/api/traces`. The content of requests and answers is never part of it.
package enum TraceMessage {
    package struct Moment: Codable, Hashable, Sendable {
        package var name: String
        /// After the beginning of its span.
        package var atMilliseconds: Double
        package var attributes: JSONObject

        private enum CodingKeys: String, CodingKey {
            case name, attributes
            case atMilliseconds = "at_ms"
        }
    }

    package struct Span: Codable, Hashable, Sendable {
        package var node: String
        package var name: String
        package var id: String
        package var parent: String?
        /// How deep in the tree of spans; they are listed in its order.
        package var depth: Int
        /// After the first span of the trace, on one line of time for all nodes.
        package var startMilliseconds: Double
        package var durationMilliseconds: Double
        package var status: SpanSnapshot.Status
        package var problem: String?
        package var attributes: JSONObject
        package var events: [Moment]

        private enum CodingKeys: String, CodingKey {
            case node, name, id, parent, depth, status, problem, attributes, events
            case startMilliseconds = "start_ms"
            case durationMilliseconds = "duration_ms"
        }
    }

    /// A kin that might know more and did not answer.
    package struct Missing: Codable, Hashable, Sendable {
        package var node: String
        package var reason: String

        package init(node: String, reason: String) {
            self.node = node
            self.reason = reason
        }
    }

    /// The answer to `GET /api/traces/{request}`.
    package struct Trace: Codable, Hashable, Sendable {
        package var trace: String
        /// The name of the request; missing where only the trace is known.
        package var request: String?
        package var spans: [Span]
        package var missing: [Missing]

        package init(_ id: TraceID, _ timeline: TraceTimeline, missing: [Missing]) {
            trace = id.description
            request = timeline.rows.lazy.compactMap(\.span.request).first?.rawValue
            spans = timeline.rows.map(Span.init)
            self.missing = missing
        }
    }

    /// What a node tells a kin of a trace.
    package struct Told: Codable, Hashable, Sendable {
        package var spans: [SpanSnapshot]

        package init(spans: [SpanSnapshot]) { self.spans = spans }
    }
}

extension TraceMessage.Span {
    init(_ row: TraceTimeline.Row) {
        let span = row.span
        self.init(
            node: row.node, name: span.name, id: span.id.description, parent: span.parent?.description,
            depth: row.depth, startMilliseconds: Self.milliseconds(row.start),
            durationMilliseconds: Self.milliseconds(span.duration), status: span.status, problem: span.problem,
            attributes: span.attributes,
            events: span.moments.map {
                TraceMessage.Moment(
                    name: $0.name, atMilliseconds: Self.milliseconds($0.at &- span.began), attributes: $0.attributes)
            })
    }

    /// In thousandths of a millisecond.
    private static func milliseconds(_ nanoseconds: Int64) -> Double {
        (Double(nanoseconds) / 1_000).rounded() / 1_000
    }
}
