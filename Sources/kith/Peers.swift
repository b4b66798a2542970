// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct Peers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the peers that a node knows, and how they are.",
        discussion: """
            Peers stand in config/peers.txt, one a line: an address, and tier=kin for another machine of yours.

            EXAMPLES:
              kith peers
              kith peers --json
            """)

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let status = try await node.client().get(NodeStatus.self, "/api/status")
        if json { return try Terminal.printJSON(status.peers) }
        try Terminal.printLines(StatusReport(status, width: Terminal.width, style: Terminal.style).peerLines)
    }
}
