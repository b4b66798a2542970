// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct Peers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the peers that a node knows, and how they are.",
        discussion: """
            Peers are paired with kith invite on one machine and kith join on the other. --nearby lists nodes that were \
            seen on the network and are not paired yet.

            EXAMPLES:
              kith peers
              kith peers --nearby
              kith peers --json
            """)

    @OptionGroup var node: NodeFlags

    @Flag(help: "List nodes that were discovered and are not paired, and how to pair them.")
    var nearby = false

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        if nearby { return try await listNearby() }
        let status = try await node.client().get(NodeStatus.self, "/api/status")
        if json { return try Terminal.printJSON(status.peers) }
        try Terminal.printLines(PeersReport(status.peers, width: Terminal.width, style: Terminal.style).lines)
    }

    private func listNearby() async throws {
        let found = try await node.client().get(ControlMessage.Nearby.self, "/api/peers/nearby")
        if json { return try Terminal.printJSON(found) }
        let report = NearbyReport(found, width: Terminal.width, style: Terminal.style)
        try Terminal.printLines(report.lines)
        for problem in report.problems { Terminal.note(problem) }
    }
}
