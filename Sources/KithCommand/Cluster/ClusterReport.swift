// SPDX-License-Identifier: Apache-2.0

/// The nodes of a cluster, for people.
package struct ClusterReport: TextReport, Sendable {
    /// A node as `kith cluster status --json` shows it.
    package struct Node: Encodable, Sendable {
        package enum State: String, Encodable, Sendable { case running, stopped }

        package var name: String
        package var url: String
        package var state: State
        package var pid: Int32?
        /// The path of its log.
        package var log: String

        package init(name: String, url: String, state: State, pid: Int32?, log: String) {
            self.name = name
            self.url = url
            self.state = state
            self.pid = pid
            self.log = log
        }
    }

    private let nodes: [Node]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ nodes: [Node], width: Int?, style: TerminalStyle) {
        self.nodes = nodes
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        var table = TextTable([
            .init("NODE", .first), .init("URL", .useful), .init("STATE", .needed), .init("PID", .extra, .right),
            .init("LOG", .useful),
        ])
        for node in nodes {
            table.add([node.name, node.url, node.state.rawValue, node.pid.map(String.init) ?? "-", node.log])
        }
        return table.lines(width: width, style: style)
    }
}
