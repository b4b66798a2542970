// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct ID: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "id",
        abstract: "Show who a node is: its id, its certificate and its addresses.",
        discussion: """
            The id is made of the node's key and stays the same as long as the key does. Other machines check it; nobody \
            else can claim it.

            EXAMPLES:
              kith id
              kith id --json
            """)

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the node's answer as JSON.")
    var json = false

    func run() async throws {
        let identity = try await node.client().get(ControlMessage.Identity.self, "/api/identity")
        if json { return try Terminal.printJSON(identity) }
        try Terminal.printLines(IdentityReport(identity, style: Terminal.style).lines)
    }
}
