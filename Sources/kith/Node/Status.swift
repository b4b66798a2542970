// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a node does: its engine, its peers, its state.",
        discussion: """
            EXAMPLES:
              kith status
              kith status --url http://127.0.0.1:8081 --json
            """)

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print the node's answer as JSON.")
    var json = false

    func run() async throws {
        let status = try await node.client().get(NodeStatus.self, "/api/status")
        if json { return try Terminal.printJSON(status) }
        try Terminal.printLines(StatusReport(status, width: Terminal.width, style: Terminal.style).lines)
    }
}
