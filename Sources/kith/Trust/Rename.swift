// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Rename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Call a peer by another name, on this machine.",
        discussion: """
            EXAMPLES:
              kith rename desk-8080 desk
              kith rename ABCDEFG desk           by the first group of its id
            """)

    @OptionGroup var named: PeerArgument

    @Argument(help: "1 to 64 characters from A-Z a-z 0-9 . _ -")
    var name: String

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the peer as JSON.")
    var json = false

    func run() async throws {
        guard let name = NodeName(name) else {
            throw ValidationError("'\(name)' is not a name: 1 to 64 characters from A-Z a-z 0-9 . _ -")
        }
        let changed: ControlMessage.Peer = try await node.client().patch(
            "/api/peers/\(named.peer)", ControlMessage.PeerChange(name: name))
        if json { return try Terminal.printJSON(changed) }
        try Terminal.printLines(PeerSentence.renamed(changed))
    }
}
