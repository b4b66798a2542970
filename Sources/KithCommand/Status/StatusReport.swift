// SPDX-License-Identifier: Apache-2.0

/// A node's status for people.
package struct StatusReport: Sendable {
    private let status: NodeStatus
    private let width: Int?
    private let style: TerminalStyle

    package init(_ status: NodeStatus, width: Int?, style: TerminalStyle) {
        self.status = status
        self.width = width
        self.style = style
    }

    /// The node, its engine and its peers.
    package var lines: [String] {
        var lines = [heading]
        if let engine = status.engine { lines += engineLines(engine) }
        var counts: [String] = []
        if let sessions = status.sessions { counts.append("\(sessions) sessions") }
        if let turns = status.turnCount { counts.append("\(turns) turns") }
        if let valence = status.valence { counts.append("valence \(Self.rounded(valence))") }
        if let level = status.level { counts.append("level \(Self.rounded(level))") }
        if !counts.isEmpty { lines.append("state   " + counts.joined(separator: ", ")) }
        lines.append("")
        return lines + peerLines
    }

    /// The peers as a table.
    package var peerLines: [String] {
        guard let peers = status.peers, !peers.isEmpty else {
            return ["no peers; name some in config/peers.txt, or with --peer"]
        }
        var table = TextTable([
            .init("PEER"), .init("ADDRESS", shrinks: true), .init("TIER"), .init("STATE"), .init("LOAD", .right),
            .init("LATENCY", .right), .init("SEEN", .right), .init("MODELS", shrinks: true),
            .init("WHY", shrinks: true),
        ])
        for peer in peers {
            table.add([
                peer.name ?? "-", peer.address ?? "-", peer.tier ?? "-", peer.state ?? "-", Self.load(peer),
                peer.latencyMilliseconds.map { Self.rounded($0) + " ms" } ?? "-",
                peer.lastSeenSeconds.map { Self.age($0) + " ago" } ?? "-",
                peer.models.map { $0.isEmpty ? "-" : $0.joined(separator: ", ") } ?? "-", peer.reason ?? "",
            ])
        }
        return table.lines(width: width, style: style)
    }

    private var heading: String {
        var text = style.bold(status.node.printable)
        if let address = status.address { text += "  " + address.printable }
        if let version = status.version { text += "  kith " + version.printable }
        if let uptime = status.uptimeSeconds { text += "  up " + Self.age(uptime) }
        return text
    }

    private func engineLines(_ engine: NodeStatus.Engine) -> [String] {
        var text = "engine  \(engine.kind ?? "none")"
        if let state = engine.state { text += ", \(state)" }
        if let slots = engine.slots { text += ", \(engine.active ?? 0) of \(slots) slots busy" }
        if let queued = engine.queued, queued > 0 { text += ", \(queued) waiting" }
        var lines = [text.printable]
        if let reason = engine.reason, !reason.isEmpty { lines.append("        " + reason.printable) }
        if let models = engine.models, !models.isEmpty {
            lines.append("models  " + models.joined(separator: ", ").printable)
        }
        return lines
    }

    private static func load(_ peer: NodeStatus.Peer) -> String {
        guard let slots = peer.slots else { return "-" }
        return "\(peer.active ?? 0)/\(slots)"
    }

    /// `1.5`, `12`, `0.25`: at most two decimals, and none that say nothing. Never traps, whatever came.
    static func rounded(_ number: Double) -> String {
        guard number.isFinite, abs(number) < 1e12 else { return "?" }
        let hundredths = Int((abs(number) * 100).rounded())
        let sign = number < 0 && hundredths > 0 ? "-" : ""
        let (whole, part) = hundredths.quotientAndRemainder(dividingBy: 100)
        if part == 0 { return "\(sign)\(whole)" }
        return "\(sign)\(whole)." + (part % 10 == 0 ? "\(part / 10)" : part < 10 ? "0\(part)" : "\(part)")
    }

    /// `42 s`, `7 min`, `3 h 5 min`, `12 d`.
    static func age(_ seconds: Double) -> String {
        guard seconds.isFinite, (0..<1e12).contains(seconds) else { return "?" }
        let whole = Int(seconds)
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3_600: return "\(whole / 60) min"
        case ..<86_400: return "\(whole / 3_600) h \(whole % 3_600 / 60) min"
        default: return "\(whole / 86_400) d"
        }
    }
}
