// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// The nodes that were discovered and are not paired, and how to pair them.
package struct NearbyReport: Sendable {
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
            return ["no unpaired node was seen nearby; both must run with kith up --lan"]
        }
        var table = TextTable([
            .init("NAME", shrinks: true), .init("ID"), .init("VERSION"), .init("ADDRESSES", shrinks: true),
            .init("SEEN", .right),
            .init("BY"),
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
        return "to pair \(place.printable): kith invite --tier kin there, then kith join here"
    }
}
