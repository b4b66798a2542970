// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// How one request went across machines, for people: a line for each span with its place on the line of time.
package struct TraceReport: TextReport, Sendable {
    private static let barWidth = 24

    private let trace: TraceMessage.Trace
    private let width: Int?
    private let style: TerminalStyle

    package init(_ trace: TraceMessage.Trace, width: Int?, style: TerminalStyle) {
        self.trace = trace
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        var table = TextTable([
            .init("NODE", .needed, least: 8), .init("SPAN", .needed, least: 16), .init("START", .extra, .right),
            .init("TIME", .needed, .right), .init("", .extra), .init("WHAT", .useful, least: 24),
        ])
        for span in trace.spans {
            table.add([
                span.node, String(repeating: "  ", count: min(max(0, span.depth), 12)) + span.name,
                RouteTime.text(max(0, span.startMilliseconds)), RouteTime.text(span.durationMilliseconds),
                bar(of: span), Self.words(for: span),
            ])
        }
        return [heading, ""] + table.lines(width: width, style: style) + missing
    }

    private var heading: String {
        let request = trace.request.map { "request \($0), " } ?? ""
        return style.bold("\(request)trace \(trace.trace), \(RouteTime.text(length))".printable)
    }

    private var length: Double {
        trace.spans.reduce(0) { max($0, $1.startMilliseconds + $1.durationMilliseconds) }
    }

    private func bar(of span: TraceMessage.Span) -> String {
        let steps = Double(Self.barWidth)
        let length = length
        guard length > 0, length.isFinite else { return "" }
        func place(_ milliseconds: Double) -> Int { Int(min(max(milliseconds / length, 0), 1) * steps) }
        let first = min(place(span.startMilliseconds), Self.barWidth - 1)
        let last = max(first + 1, place(span.startMilliseconds + span.durationMilliseconds))
        return String(repeating: "·", count: first) + String(repeating: "█", count: last - first)
            + String(repeating: "·", count: Self.barWidth - last)
    }

    /// What became of it, where it went, when the first token came.
    private static func words(for span: TraceMessage.Span) -> String {
        var words: [String] = []
        switch span.status {
        case .ok: break
        case .open: words.append("goes on")
        case .abandoned: words.append("given up")
        case .error: words.append("failed" + (span.problem.map { ": \($0)" } ?? ""))
        }
        if let node = span.attributes["kith.node"]?.stringValue { words.append("to \(node)") }
        if let reason = span.attributes["kith.route.reason"]?.stringValue { words.append(reason) }
        for event in span.events { words.append("\(event.name) after \(RouteTime.text(max(0, event.atMilliseconds)))") }
        if let tokens = span.attributes["gen_ai.usage.output_tokens"]?.intValue { words.append("\(tokens) tokens") }
        if let ahead = span.attributes["kith.queue.ahead"]?.intValue, ahead > 0 { words.append("\(ahead) ahead") }
        if let had = span.attributes["kith.continuation.after_tokens"]?.intValue { words.append("after \(had) tokens") }
        return words.joined(separator: ", ")
    }

    private var missing: [String] {
        guard !trace.missing.isEmpty else { return [] }
        return [""] + trace.missing.map { style.yellow("\($0.node) does not tell its part: \($0.reason)".printable) }
    }
}

/// The names of the last requests, for people.
package struct RecentTracesReport: TextReport, Sendable {
    private let requests: [RouteMessage.Request]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ recent: RouteMessage.Recent, width: Int?, style: TerminalStyle) {
        requests = recent.requests
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        guard !requests.isEmpty else { return ["no request yet; ask something: kith ask \"why is the sky blue?\""] }
        var table = TextTable([
            .init("REQUEST", .first), .init("WHEN", .useful, .right), .init("NODE", .useful, least: 12),
            .init("MODEL", .extra, least: 12), .init("WHOLE", .extra, .right), .init("OUTCOME", .needed, least: 10),
        ])
        for request in requests {
            table.add([
                request.id, StatusReport.age(request.secondsAgo) + " ago",
                ([request.node ?? "-"] + request.continuations.map(\.node)).joined(separator: " > "),
                request.continuations.last?.model ?? request.model ?? request.asked ?? "-",
                RouteTime.text(request.durationMilliseconds), RecentRoutesReport.outcome(of: request),
            ])
        }
        return table.lines(width: width, style: style)
    }
}
