// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithInference
package import KithModel

/// The peers of a node as a table.
package struct PeersReport: TextReport, Sendable {
    private let peers: [NodeStatus.Peer]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ peers: [NodeStatus.Peer], width: Int?, style: TerminalStyle) {
        self.peers = peers
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        guard !peers.isEmpty else {
            return ["no peers; pair another machine: kith setup --yes --lan here, kith setup --join there"]
        }
        return rows + peers.filter { $0.state == "cloned" }.map(cloned)
    }

    /// A line for each peer where that fits; else its addresses and the reason of its state stand below it, because a few
    /// letters of them would say nothing.
    private var rows: [String] {
        let columns = Self.columns + (tellOfMachines ? Self.machine : [])
        let all = table(columns + Self.details) { cells($0) + details($0) }
        guard let width, all.lines(width: nil, style: .plain).contains(where: { $0.displayWidth > width }) else {
            return all.lines(width: nil, style: style)
        }
        let narrow = table(columns) { cells($0) }.lines(width: width, style: style)
        let rows = zip(narrow.dropFirst(), peers).flatMap { row, peer in [row] + below(peer, width) }
        return narrow.prefix(1) + rows + narrow.dropFirst(1 + peers.count)
    }

    private static let columns: [TextTable.Column] = [
        .init("ID", .first), .init("NAME", .needed, least: 16), .init("TIER", .useful), .init("STATE", .needed),
        .init("LEVEL", .extra, .right), .init("LOAD", .useful, .right), .init("LATENCY", .extra, .right),
        .init("SEEN", .extra, .right), .init("MODELS", .useful, least: 24),
    ]
    /// Where some peer has told of its machine.
    private static let machine: [TextTable.Column] = [.init("FREE", .extra, .right), .init("POWER", .extra)]
    private static let details: [TextTable.Column] = [.init("ADDRESSES", .useful), .init("WHY", .useful)]
    /// Below the name.
    private static let indent = String(repeating: " ", count: 9)

    private func table(_ columns: [TextTable.Column], cells: (NodeStatus.Peer) -> [String]) -> TextTable {
        var table = TextTable(columns)
        for peer in peers { table.add(cells(peer)) }
        return table
    }

    private func below(_ peer: NodeStatus.Peer, _ width: Int) -> [String] {
        details(peer).filter { !$0.isEmpty }.map { (Self.indent + $0.printable).truncated(toWidth: width) }
    }

    private func cells(_ peer: NodeStatus.Peer) -> [String] {
        let cells: [String] = [
            peer.id.map { String($0.prefix(7)) } ?? "-", peer.name, peer.tier,
            peer.draining == true && peer.state == "up" ? "paused" : peer.state,
            peer.level.map(StatusReport.rounded) ?? "-", peer.slots > 0 ? "\(peer.active)/\(peer.slots)" : "-",
            peer.latencyMilliseconds.map { StatusReport.rounded($0) + " ms" } ?? "-",
            peer.lastSeenSeconds.map { StatusReport.age($0) + " ago" } ?? "-",
            peer.models.isEmpty ? "-" : peer.models.joined(separator: ", "),
        ]
        return tellOfMachines ? cells + [free(peer), MachineWords.power(peer.machine) ?? "-"] : cells
    }

    private var tellOfMachines: Bool { peers.contains { $0.machine != nil } }

    /// Of its memory and that of its graphics cards.
    private func free(_ peer: NodeStatus.Peer) -> String {
        let rooms = [peer.machine?.memoryFreeBytes, peer.machine?.acceleratorFreeBytes].compactMap(\.self)
        return rooms.isEmpty ? "-" : rooms.map { "\(ByteText($0))" }.joined(separator: " + ")
    }

    private func details(_ peer: NodeStatus.Peer) -> [String] {
        [peer.addresses.isEmpty ? peer.address : peer.addresses.joined(separator: ", "), why(peer)]
    }

    private func why(_ peer: NodeStatus.Peer) -> String {
        let why = peer.reason ?? peer.versions.map { "protocol versions differ: \($0); update the older node" } ?? ""
        let isClosed = !peer.addresses.isEmpty && peer.addresses.allSatisfy { PeerAddress($0)?.isLoopback == true }
        // On another machine it may well run, and be open to that machine only.
        return peer.state == "down" && isClosed
            ? why + "; if it runs on another machine: kith setup --yes --lan there" : why
    }

    private func cloned(_ peer: NodeStatus.Peer) -> String {
        style.red(
            "CLONED: two running nodes have the identity of \(peer.name.printable). "
                + "Stop the copy and run there: kith rekey --yes")
    }
}

/// The nodes that were discovered and are not paired, and how to pair them.
package struct NearbyReport: TextReport, Sendable {
    private let nearby: ControlMessage.Nearby
    private let width: Int?
    private let style: TerminalStyle

    package init(_ nearby: ControlMessage.Nearby, width: Int?, style: TerminalStyle) {
        self.nearby = nearby
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        guard !nearby.nodes.isEmpty else {
            return ["no unpaired node was seen nearby; on both machines kith setup --yes --lan opens the node"]
        }
        var table = TextTable([
            .init("NAME", .needed, least: 16), .init("ID", .first), .init("VERSION", .extra),
            .init("ADDRESSES", .useful, least: 21), .init("SEEN", .useful, .right), .init("BY", .extra),
        ])
        for node in nearby.nodes {
            let addresses = node.addresses.map(\.description).joined(separator: ", ")
            table.add([
                node.name ?? "-", node.id.map { String($0.prefix(7)) } ?? "-", node.version ?? "-", addresses,
                StatusReport.age(node.seenSecondsAgo) + " ago", node.source,
            ])
        }
        return table.lines(width: width, style: style) + [""] + nearby.nodes.map(advice)
    }

    /// Ways of discovery that do not work here; for standard error.
    package var problems: [String] { nearby.problems.map { "discovery: " + $0.printable } }

    private func advice(_ node: ControlMessage.Nearby.Node) -> String {
        let place = node.name ?? node.addresses.first?.description ?? "the other machine"
        return
            "to pair \(place.printable): kith invite there, --tier kin if it is yours and --tier kith if it is somebody "
            + "else's; then kith join here"
    }
}

/// A node's identity, for people.
package struct IdentityReport: Sendable {
    private let identity: ControlMessage.Identity
    private let style: TerminalStyle

    package init(_ identity: ControlMessage.Identity, style: TerminalStyle) {
        self.identity = identity
        self.style = style
    }

    package var lines: [String] {
        let addresses = identity.addresses.map(\.description).joined(separator: ", ")
        var lines = [
            "id           \(style.bold(identity.id.description))",
            "name         \(identity.name)",
            "fingerprint  \(identity.fingerprint.printable)",
            "addresses    \(addresses.isEmpty ? "none: the peer port is not open" : addresses)",
        ]
        if identity.isCloned { lines.append(style.red(Self.cloned)) }
        return lines
    }

    private static let cloned =
        "CLONED: another running node has this identity, as after a data folder was copied. "
        + "Stop the copy and run there: kith rekey --yes"
}

/// The sentences of commands that change whom a node trusts.
package enum PeerSentence {
    package static func joined(_ peer: ControlMessage.Peer) -> [String] {
        ["joined \(peer.name)  \(peer.id)", "it is \(peer.tier.meaning)"]
    }

    package static func renamed(_ peer: ControlMessage.Peer) -> [String] {
        ["\(peer.id.short) is called \(peer.name) here from now on"]
    }

    package static func moved(_ peer: ControlMessage.Peer) -> [String] {
        ["\(peer.name) (\(peer.id.short)) is \(peer.tier.meaning)"]
    }

    package static func forgotten(_ peer: ControlMessage.Forgotten) -> [String] {
        var lines = ["forgot \(peer.name)  \(peer.id)"]
        if peer.writes > 0 { lines.append("removed \(peer.writes) of its writes to the shared state") }
        let gone = peer.introduced.filter { !$0.isKin }
        if !gone.isEmpty {
            lines.append("with it went whom it had introduced: \(gone.map(\.name.rawValue).joined(separator: ", "))")
        }
        let left = peer.introduced.filter(\.isKin)
        if !left.isEmpty {
            lines.append(
                "still yours, though only \(peer.name) let them in: \(left.map(\.name.rawValue).joined(separator: ", ")); "
                    + "kith forget those that you do not know")
        }
        return lines + ["to trust it again, pair it anew with kith invite and kith join"]
    }

    /// Who was forgotten, one in a line, with what is left of it.
    package static func left(_ left: ControlMessage.Leftovers) -> [String] {
        guard !left.nodes.isEmpty else {
            return ["no machine of yours was forgotten; a friend's node leaves nothing here that could be listed"]
        }
        return left.nodes.map { node in
            var parts: [String] = []
            if !node.forgottenBy.isEmpty {
                parts.append("forgotten by \(node.forgottenBy.map(\.short).joined(separator: ", "))")
            }
            parts.append(node.logs == 0 ? "nothing that it wrote is left" : "\(node.writes) of its writes are left")
            if node.statements > 0 { parts.append("\(node.statements) of its statements about kin still count") }
            return "\(node.id)  " + parts.joined(separator: "; ")
        }
    }

    /// Said before the peer is forgotten.
    ///
    /// - Parameter tier: `nil` where it is not known. Each machine is paired with a friend's node by itself.
    package static func forgetting(_ peer: PeerReference, tier: Tier?) -> String {
        switch tier {
        case .kin:
            "\(peer) loses its connections at once and is refused here and by all your other machines from now on"
        case .kith:
            "\(peer) loses its connections at once and is refused here from now on (a machine of yours that is paired with "
                + "it too has to forget it itself)"
        case nil: "\(peer) loses its connections at once and is refused from now on"
        }
    }
}

extension Tier {
    /// Whose node it is and what it may get, in one line.
    package var meaning: String {
        switch self {
        case .kin: "kin: a machine of yours, which may get your prompts"
        case .kith: "kith: somebody else's node, which gets nothing of yours"
        }
    }
}
