// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// A node's company, for people.
package struct CompanionReport: Sendable {
    private let width: Int?
    private let style: TerminalStyle

    package init(width: Int?, style: TerminalStyle) {
        self.width = width
        self.style = style
    }

    package func lines(_ status: CompanionMessage.Status) -> [String] {
        let repeats = status.detail.hasPrefix(status.state)
        var first =
            style.bold(status.state)
            + (repeats ? status.detail.dropFirst(status.state.count) : ": \(status.detail)")
        if let peer = status.talking_to { first += " (\(peer.printable))" }
        if let wait = status.wait_seconds { first += "; \(StatusReport.age(wait)) to go" }
        let idle = StatusReport.age(status.idle_seconds)
        var lines = [
            first,
            "idle for \(idle) of \(StatusReport.age(status.threshold_seconds)); \(count(status.peers, "peer")) to talk to, "
                + Self.choice(status.choice),
            "today \(status.exchanges_today) of \(status.exchange_limit) conversations, \(status.tokens_today) of "
                + "\(status.token_limit) tokens; \(count(status.insights, "insight")) kept",
        ]
        if status.insights_waiting > 0 {
            lines.append("\(count(status.insights_waiting, "insight")) wait for you: kith culture list --waiting")
        }
        if let note = status.note { lines.append(note.printable) }
        if status.peers == 0 {
            lines.append(
                "nobody to talk to: pair a friend's node with kith invite --tier kith, or name one in config/peers.txt")
        }
        return lines + [""] + self.lines(status.recent)
    }

    /// How the next one is chosen, in words; a name of another version stays.
    private static func choice(_ name: String) -> String {
        switch name {
        case "thompson": "the most fruitful ones more often"
        case "weighted": "those of good reputation more often"
        case "round-robin": "in turn"
        case "random": "at random"
        default: "chosen by \(name)"
        }
    }

    /// A line for each conversation, the newest first.
    package func lines(_ exchanges: [CompanionMessage.Exchange]) -> [String] {
        guard !exchanges.isEmpty else { return ["no conversation yet; kith companion now has one"] }
        var table = TextTable([
            .init("WHEN", .useful), .init("PEER", .useful, least: 12), .init("TOPIC", .needed, least: 16),
            .init("OUTCOME", .needed), .init("TOOK", .extra, .right), .init("TOKENS", .extra, .right),
            .init("WHY", .extra, least: 16),
        ])
        for exchange in exchanges {
            table.add([
                TimeText.minute(exchange.at), exchange.peer, exchange.topic, exchange.outcome,
                "\(StatusReport.rounded(exchange.seconds)) s", "\(exchange.tokens)", exchange.note ?? "",
            ])
        }
        return table.lines(width: width, style: style)
    }

    package func lines(_ talk: CompanionMessage.Talk) -> [String] {
        guard let exchange = talk.exchange else { return ["there is nobody to talk to"] }
        var lines = ["talked with \(exchange.peer) about \(exchange.topic): \(exchange.outcome)".printable]
        if let text = talk.text { lines.append("  " + text.printable) }
        if let note = exchange.note { lines.append("  " + note.printable) }
        return lines
    }

    package func lines(_ refusals: CompanionMessage.Refusals) -> [String] {
        guard !refusals.refusals.isEmpty else { return ["nothing was held back"] }
        let counts = refusals.counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        var table = TextTable([
            .init("WHEN", .extra), .init("PEER", .useful, least: 12), .init("WHY", .needed),
            .init("TEXT", .needed, least: 24),
        ])
        for refusal in refusals.refusals {
            table.add([TimeText.minute(refusal.at), refusal.peer, refusal.reason, refusal.text])
        }
        return ["held back, and never sent: " + counts.map { "\($0.value) \($0.key)" }.joined(separator: ", ")]
            + table.lines(width: width, style: style)
    }

    private func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
}

/// The culture, for people.
package struct CultureReport: Sendable {
    private let width: Int?
    private let style: TerminalStyle

    package init(width: Int?, style: TerminalStyle) {
        self.width = width
        self.style = style
    }

    package func lines(_ entries: CultureMessage.Entries) -> [String] {
        guard !entries.insights.isEmpty else { return ["nothing here; kith companion now has a conversation"] }
        var table = TextTable([
            .init("ID", .first), .init("SCORE", .extra, .right), .init("TIMES", .extra, .right),
            .init("LEARNED", .extra), .init("FROM", .useful, least: 12), .init("INSIGHT", .needed, least: 40),
        ])
        for entry in entries.insights {
            table.add([
                String(entry.insight.id.prefix(12)), StatusReport.rounded(entry.score), "\(entry.times)",
                TimeText.minute(entry.learned), entry.insight.peer,
                (entry.insight.reason.map { "[\($0)] " } ?? "") + entry.insight.text,
            ])
        }
        var lines = table.lines(width: width, style: style)
        if entries.total > entries.insights.count {
            lines.append(style.dim("\(entries.total - entries.insights.count) more; see --limit"))
        }
        return lines
    }

    package func lines(_ entry: CultureMessage.Entry) -> [String] {
        let insight = entry.insight
        let standing = insight.standing + (insight.reason.map { " (\($0))" } ?? "")
        var lines = [
            style.bold(insight.text.printable), "id        \(insight.id)", "standing  \(standing)",
            "topic     \(insight.topic.printable)", "from      \(insight.peer.printable), \(insight.tier)",
            "learned   \(TimeText.minute(entry.learned)) in exchange \(insight.exchange.printable)",
            "score     \(StatusReport.rounded(entry.score)), quality \(StatusReport.rounded(insight.quality))",
        ]
        if let model = insight.model { lines.append("model     \(model.printable)") }
        if entry.times > 1 { lines.append("learned \(entry.times) times") }
        return lines
    }
}

/// What the first start of a node says of company.
package enum CompanyNotice {
    /// - Parameters:
    ///   - idle: Seconds without a prompt after which a conversation begins.
    ///   - tokens: What conversations may cost in a day.
    package static func first(idle: Double, tokens: Int) -> String {
        """
        when nobody asks anything for \(StatusReport.age(idle)), paired nodes may talk with each other, about ideas and never about \
        you, with your own model, for at most \(tokens) tokens a day; kith companion pause stops that
        """
    }
}
