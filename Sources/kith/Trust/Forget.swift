// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct Forget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trust a peer no more: here and on all your machines, at once.",
        discussion: """
            Drops the peer's connections and refuses it from now on. Your other machines refuse it as soon as they hear \
            of it. Meant for what was lost, stolen or given away, too: nothing of it need be at hand.

            EXAMPLES:
              kith forget laptop
              kith forget ABCDEFG --yes
            """)

    @OptionGroup var named: PeerArgument

    @OptionGroup var node: ControlFlags

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "Print the peer as JSON.")
    var json = false

    func run() async throws {
        let client = try node.client()
        if !yes { try Terminal.confirm(PeerSentence.forgetting(named.peer)) }
        let forgotten: ControlMessage.Peer = try await client.delete("/api/peers/\(named.peer)")
        if json { return try Terminal.printJSON(forgotten) }
        try Terminal.printLines(PeerSentence.forgotten(forgotten))
    }
}
