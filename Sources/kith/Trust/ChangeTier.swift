// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct ChangeTier: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tier",
        abstract: "Change how far a peer is trusted.",
        discussion: """
            kin is another machine of yours and may get prompts, context and conversations; kith is somebody else's and \
            gets nothing of yours.

            EXAMPLES:
              kith tier desk kin
              kith tier friend kith
            """)

    @OptionGroup var named: PeerArgument

    @Argument(help: "kin or kith.")
    var tier: Tier

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the peer as JSON.")
    var json = false

    func run() async throws {
        let changed: ControlMessage.Peer = try await node.client().patch(
            "/api/peers/\(named.peer)", ControlMessage.PeerChange(tier: tier))
        if json { return try Terminal.printJSON(changed) }
        try Terminal.printLines(PeerSentence.moved(changed))
    }
}
