// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// A node's status for people.
package struct StatusReport: TextReport, Sendable {
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
        var lines = [heading] + engineLines
        lines.append(
            "state   \(status.sessions) sessions, \(status.turnCount) turns, mood \(Self.mood(status.valence)), "
                + "level \(Self.rounded(status.level))")
        lines += machineLines
        if status.draining == true {
            let others = status.peers.contains { peer in
                peer.tier == Tier.kin.rawValue && peer.state == "up" && peer.draining != true && !peer.models.isEmpty
            }
            lines.append(
                (others
                    ? "paused  new prompts go to your other machines"
                    : "paused  no other machine can answer, so this one still takes prompts")
                    + "; kith pause --off ends that")
        }
        if let loss = status.storeLoss {
            lines.append(style.red("files   \(loss.printable); see: kith audit --kind store"))
        }
        lines.append("")
        return lines + peerLines
    }

    /// The peers as a table.
    package var peerLines: [String] { PeersReport(status.peers, width: width, style: style).lines }

    private var heading: String {
        style.bold(status.node.printable) + "  \(address)  kith \(status.version)".printable
            + "  up \(Self.age(status.uptimeSeconds))"
    }

    /// Nobody can open the address that stands for all of a machine.
    private var address: String {
        for every in ["://0.0.0.0:", "://[::]:"] where status.address.contains(every) {
            return status.address.replacing(every, with: "://localhost:") + " and this machine's other addresses"
        }
        return status.address
    }

    private var engineLines: [String] {
        let engine = status.engine
        var text = "engine  \(engine.kind ?? "none")"
        if engine.kind != nil { text += ", \(engine.state)" }
        if engine.slots > 0 { text += ", \(engine.active) of \(engine.slots) slots busy" }
        if engine.queued > 0 { text += ", \(engine.queued) waiting" }
        var lines = [text.printable]
        if !engine.reason.isEmpty { lines.append("        " + engine.reason.printable) }
        if !engine.models.isEmpty { lines.append("models  " + engine.models.joined(separator: ", ").printable) }
        return lines
    }

    private var machineLines: [String] {
        let rooms = [
            MachineWords.memory(status.machine).map { "\($0) free" },
            MachineWords.accelerator(status.machine).map { "graphics \($0) free" },
        ].compactMap(\.self)
        return (rooms.isEmpty ? [] : ["memory  \(rooms.joined(separator: ", "))"])
            + (MachineWords.power(status.machine).map { ["power   \($0)"] } ?? [])
    }

    /// What the last answers and their feedback came to, from -1 to 1.
    private static func mood(_ valence: Double) -> String {
        let word =
            switch valence {
            case ..<(-0.3): "low"
            case 0.3...: "good"
            default: "even"
            }
        return "\(word) (\(rounded(valence)) of -1 to 1)"
    }

    /// `1.5`, `12`, `0.25`: at most two decimals, without trailing zeros. Never traps, whatever the number.
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

/// The progress of a node that is to take no new prompts.
package struct DrainReport: Sendable {
    /// Seconds until kin have heard of it: it travels with their gossip, and what they sent before may still arrive.
    private static let settling = 1.0

    private let drain: ControlMessage.Drain

    package init(_ drain: ControlMessage.Drain) { self.drain = drain }

    /// Whether nothing runs on the node's engine, and nothing will be sent there that can go elsewhere.
    package var isDone: Bool {
        drain.draining && running == 0 && (drain.seconds ?? 0) >= Self.settling
    }

    package var running: Int {
        let (sum, overflow) = max(0, drain.active).addingReportingOverflow(max(0, drain.queued))
        return overflow ? .max : sum
    }

    /// What still runs; `nil` when nothing does.
    package var progress: String? {
        running == 0 ? nil : running == 1 ? "1 request still runs here" : "\(running) requests still run here"
    }

    package var end: String {
        drain.kinAnswer
            ? "drained: your other machines answer new prompts"
            : "drained, but no other machine can answer: this one still takes prompts"
    }

    package static let off = "this node takes new prompts again"

    /// What a pause means, in one line.
    package var pause: String {
        guard drain.draining else { return Self.off }
        let time = drain.endsInSeconds.map { " for \(StatusReport.age($0))" } ?? ""
        let who =
            drain.kinAnswer
            ? "your other machines answer new prompts" : "no other machine can answer, so this one still takes prompts"
        return "paused\(time): \(who); kith pause --off ends it"
    }
}
