// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// Where a prompt would go, and why not elsewhere, for people.
package struct RouteExplanationReport: Sendable {
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
            return style.red("nobody would be asked") + (explanation.refusal.map { ": \($0)" } ?? "").printable
        }
        let reason = explanation.reason.map { ": \($0)" } ?? ""
        return style.bold(node.printable)
            + (" (\(best.model))\(reason), answered in about \(RouteTime.text(best.waitMilliseconds))").printable
    }

    /// The score, and what it is made of.
    private var candidates: TextTable {
        var table = TextTable([
            .init("NODE", shrinks: true), .init("MODEL", shrinks: true), .init("SCORE", .right), .init("BUSY", .right),
            .init("TOK/S", .right), .init("QUEUE", .right), .init("ANSWER", .right), .init("TRIP", .right),
            .init("LOADING", .right), .init("FAILURES", .right), .init("LEVEL", .right), .init("PREFIX", .right),
        ])
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
            ])
        }
        return table
    }

    private var skipped: TextTable {
        var table = TextTable([.init("SKIPPED", shrinks: true), .init("WHY", shrinks: true)])
        for skip in explanation.skipped { table.add([skip.node, skip.reason]) }
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
