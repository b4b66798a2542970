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
        var table = TextTable([
            .init("ID"), .init("NAME"), .init("TIER"), .init("STATE"), .init("LEVEL", .right), .init("LOAD", .right),
            .init("LATENCY", .right), .init("SEEN", .right), .init("ADDRESSES", shrinks: true),
            .init("MODELS", shrinks: true), .init("WHY", shrinks: true),
        ])
        for peer in peers { table.add(cells(peer)) }
        return table.lines(width: width, style: style) + peers.filter { $0.state == "cloned" }.map(cloned)
    }

    private func cells(_ peer: NodeStatus.Peer) -> [String] {
        [
            peer.id.map { String($0.prefix(7)) } ?? "-", peer.name, peer.tier, peer.state,
            peer.level.map(StatusReport.rounded) ?? "-", peer.slots > 0 ? "\(peer.active)/\(peer.slots)" : "-",
            peer.latencyMilliseconds.map { StatusReport.rounded($0) + " ms" } ?? "-",
            peer.lastSeenSeconds.map { StatusReport.age($0) + " ago" } ?? "-",
            peer.addresses.isEmpty ? peer.address : peer.addresses.joined(separator: ", "),
            peer.models.isEmpty ? "-" : peer.models.joined(separator: ", "), why(peer),
        ]
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
