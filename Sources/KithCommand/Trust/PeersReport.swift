// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// The peers of a node as a table.
package struct PeersReport: Sendable {
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
            return ["no peers; pair another machine: kith invite --tier kin here, kith join there"]
        }
        return rows + peers.filter { $0.state == "cloned" }.map(cloned)
    }

    /// A line for each peer where that fits; else its addresses and the reason of its state stand below it, because a few
    /// letters of them would say nothing.
    private var rows: [String] {
        let all = table(Self.columns + Self.details) { cells($0) + details($0) }
        guard let width, all.lines(width: nil, style: .plain).contains(where: { $0.displayWidth > width }) else {
            return all.lines(width: nil, style: style)
        }
        let narrow = table(Self.columns) { cells($0) }.lines(width: width, style: style)
        return narrow.prefix(1) + zip(narrow.dropFirst(), peers).flatMap { row, peer in [row] + below(peer, width) }
    }

    private static let columns: [TextTable.Column] = [
        .init("ID"), .init("NAME", shrinks: true), .init("TIER"), .init("STATE"), .init("LEVEL", .right),
        .init("LOAD", .right), .init("LATENCY", .right), .init("SEEN", .right), .init("MODELS", shrinks: true),
    ]
    private static let details: [TextTable.Column] = [.init("ADDRESSES"), .init("WHY")]
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
        [
            peer.id.map { String($0.prefix(7)) } ?? "-", peer.name, peer.tier,
            peer.draining == true && peer.state == "up" ? "draining" : peer.state,
            peer.level.map(StatusReport.rounded) ?? "-", peer.slots > 0 ? "\(peer.active)/\(peer.slots)" : "-",
            peer.latencyMilliseconds.map { StatusReport.rounded($0) + " ms" } ?? "-",
            peer.lastSeenSeconds.map { StatusReport.age($0) + " ago" } ?? "-",
            peer.models.isEmpty ? "-" : peer.models.joined(separator: ", "),
        ]
    }

    private func details(_ peer: NodeStatus.Peer) -> [String] {
        [peer.addresses.isEmpty ? peer.address : peer.addresses.joined(separator: ", "), why(peer)]
    }

    private func why(_ peer: NodeStatus.Peer) -> String {
        peer.reason ?? peer.versions.map { "protocol versions differ: \($0); update the older node" } ?? ""
    }

    private func cloned(_ peer: NodeStatus.Peer) -> String {
        style.red(
            "CLONED: two running nodes have the identity of \(peer.name.printable). "
                + "Stop the copy and run there: kith rekey --yes")
    }
}
