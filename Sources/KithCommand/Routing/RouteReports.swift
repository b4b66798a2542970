// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithInference

/// Where a prompt would go, and why not elsewhere, for people.
package struct RouteExplanationReport: TextReport, Sendable {
    private let explanation: RouteMessage.Explanation
    private let width: Int?
    private let style: TerminalStyle

    package init(_ explanation: RouteMessage.Explanation, width: Int?, style: TerminalStyle) {
        self.explanation = explanation
        self.width = width
        self.style = style
    }

    /// The decision, a line for each node that can be asked, the best first, and one for each that cannot.
    package var lines: [String] {
        var lines = [heading]
        if !explanation.candidates.isEmpty { lines += [""] + candidates.lines(width: width, style: style) }
        if !explanation.skipped.isEmpty { lines += [""] + skipped.lines(width: width, style: style) }
        return lines
    }

    private var heading: String {
        guard let node = explanation.node, let best = explanation.candidates.first else {
            guard let refusal = explanation.refusal else { return style.red("nobody would be asked") }
            // The refusal of a prompt that nobody can answer says so itself.
            return refusal.hasPrefix("nobody ")
                ? style.red(refusal.printable) : style.red("nobody would be asked") + ": \(refusal)".printable
        }
        let reason = explanation.reason.map { ": \(RouteWords.reason($0))" } ?? ""
        return style.bold(node.printable)
            + (" (\(best.model))\(reason), would answer in about \(RouteTime.text(best.waitMilliseconds))").printable
    }

    /// The score, and what it is made of.
    private var candidates: TextTable {
        var columns: [TextTable.Column] = [
            .init("NODE", .needed, least: 12), .init("MODEL", .useful, least: 24), .init("SCORE", .needed, .right),
            .init("BUSY", .useful, .right), .init("TOK/S", .extra, .right), .init("QUEUE", .useful, .right),
            .init("ANSWER", .useful, .right), .init("TRIP", .extra, .right), .init("LOADING", .useful, .right),
            .init("FAILURES", .useful, .right), .init("LEVEL", .extra, .right), .init("PREFIX", .extra, .right),
        ]
        if explanation.candidates.contains(where: { !Self.note($0.estimate).isEmpty }) {
            columns.append(.init("NOTE", .useful, least: 16))
        }
        var table = TextTable(columns)
        for candidate in explanation.candidates {
            let estimate = candidate.estimate
            table.add([
                candidate.node, candidate.model, RouteTime.text(candidate.scoreMilliseconds),
                "\(estimate.outstanding)/\(estimate.slots)",
                estimate.tokensPerSecond.map(StatusReport.rounded) ?? "-",
                RouteTime.orNothing(estimate.queueMilliseconds), RouteTime.text(estimate.serviceMilliseconds),
                RouteTime.orNothing(estimate.roundTripMilliseconds),
                RouteTime.orNothing(estimate.coldLoadMilliseconds),
                estimate.breaker == "closed" ? RouteTime.orNothing(estimate.penaltyMilliseconds) : estimate.breaker,
                StatusReport.rounded(estimate.level), estimate.prefixBlocks > 0 ? "\(estimate.prefixBlocks)" : "-",
                Self.note(estimate),
            ])
        }
        return table
    }

    /// What speaks against a machine beside the time.
    private static func note(_ estimate: RouteMessage.Estimate) -> String {
        [
            estimate.missingMemoryBytes.map { "\(ByteText($0)) of memory short" },
            estimate.sparesBattery == true ? "spares its battery" : nil,
        ].compactMap(\.self).joined(separator: ", ")
    }

    private var skipped: TextTable {
        var table = TextTable([.init("SKIPPED", .needed, least: 12), .init("WHY", .needed, least: 24)])
        for skip in explanation.skipped { table.add([skip.node, RouteWords.skip(skip.reason)]) }
        return table
    }
}

/// Times of requests, short.
enum RouteTime {
    /// `0.4 ms`, `120 ms`, `1.2 s`, `3 min`.
    static func text(_ milliseconds: Double) -> String {
        guard milliseconds.isFinite, (0..<1e15).contains(milliseconds) else { return "?" }
        switch milliseconds {
        case ..<10: return StatusReport.rounded((milliseconds * 10).rounded() / 10) + " ms"
        case ..<1_000: return StatusReport.rounded(milliseconds.rounded()) + " ms"
        case ..<120_000: return StatusReport.rounded((milliseconds / 100).rounded() / 10) + " s"
        default: return StatusReport.age(milliseconds / 1_000)
        }
    }

    static func orNothing(_ milliseconds: Double) -> String { milliseconds == 0 ? "-" : text(milliseconds) }
}

/// Where the last requests went, for people.
package struct RecentRoutesReport: TextReport, Sendable {
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
            .init("WHEN", .useful, .right), .init("NODE", .needed, least: 12), .init("MODEL", .useful, least: 24),
            .init("WHY", .useful), .init("FIRST", .extra, .right), .init("WHOLE", .useful, .right),
            .init("TOKENS", .extra, .right), .init("TOK/S", .extra, .right), .init("OUTCOME", .needed, least: 10),
            .init("SKIPPED", .extra, least: 20),
        ])
        for request in requests { table.add(cells(request)) }
        return table.lines(width: width, style: style)
    }

    private func cells(_ request: RouteMessage.Request) -> [String] {
        [
            StatusReport.age(request.secondsAgo) + " ago",
            ([request.node ?? "-"] + request.continuations.map(\.node)).joined(separator: " > "),
            request.continuations.last?.model ?? request.model ?? request.asked ?? "-",
            request.reason.map(RouteWords.shortReason) ?? "-",
            request.firstTokenMilliseconds.map(RouteTime.text) ?? "-", RouteTime.text(request.durationMilliseconds),
            request.usage.map { "\($0.completionTokens)" } ?? "-",
            request.tokensPerSecond.map(StatusReport.rounded) ?? "-", Self.outcome(of: request),
            request.skipped.map { "\($0.node): \(RouteWords.meaning(ofSkip: $0.reason) ?? $0.reason)" }
                .joined(separator: "; "),
        ]
    }

    static func outcome(of request: RouteMessage.Request) -> String {
        switch request.outcome {
        case .completed where request.continuations.isEmpty: "completed"
        case .completed: "continued"
        case .failed: "failed" + (request.failure.map { ": \(RouteWords.failure($0))" } ?? "")
        case .abandoned: "the client left"
        }
    }
}
