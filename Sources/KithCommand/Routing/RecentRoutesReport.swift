// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// Where the last requests went, for people.
package struct RecentRoutesReport: Sendable {
    private let requests: [RouteMessage.Request]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ recent: RouteMessage.Recent, width: Int?, style: TerminalStyle) {
        requests = recent.requests
        self.width = width
        self.style = style
    }

    /// A line for each request, the newest first.
    package var lines: [String] {
        guard !requests.isEmpty else { return ["no request yet; ask something: kith ask \"why is the sky blue?\""] }
        var table = TextTable([
            .init("WHEN", .right), .init("NODE", shrinks: true), .init("MODEL", shrinks: true), .init("WHY"),
            .init("FIRST", .right), .init("WHOLE", .right), .init("TOKENS", .right), .init("TOK/S", .right),
            .init("OUTCOME"), .init("SKIPPED", shrinks: true),
        ])
        for request in requests { table.add(cells(request)) }
        return table.lines(width: width, style: style)
    }

    private func cells(_ request: RouteMessage.Request) -> [String] {
        [
            StatusReport.age(request.secondsAgo) + " ago",
            ([request.node ?? "-"] + request.continuations.map(\.node)).joined(separator: " > "),
            request.continuations.last?.model ?? request.model ?? request.asked ?? "-", request.reason ?? "-",
            request.firstTokenMilliseconds.map(RouteTime.text) ?? "-", RouteTime.text(request.durationMilliseconds),
            request.usage.map { "\($0.completionTokens)" } ?? "-",
            request.tokensPerSecond.map(StatusReport.rounded) ?? "-", outcome(of: request),
            request.skipped.map { "\($0.node):\($0.reason)" }.joined(separator: ", "),
        ]
    }

    private func outcome(of request: RouteMessage.Request) -> String {
        switch request.outcome {
        case .completed where request.continuations.isEmpty: "completed"
        case .completed: "continued"
        case .failed: "failed" + (request.failure.map { " (\($0))" } ?? "")
        case .abandoned: "abandoned"
        }
    }
}
