// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct SessionSend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Move a conversation to another one of your devices.",
        discussion: """
            It is removed here when the other has it on its disk, and not before. When the connection breaks in between, \
            send it again: it is kept once.

            EXAMPLES:
              kith session send kitchen --to laptop
            """)

    @Argument(help: "The conversation, as kith session list names it.")
    var session: String

    @Option(help: ArgumentHelp("The peer that is to keep it: its name or its id.", valueName: "node"))
    var to: String

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print where the conversation is now as JSON.")
    var json = false

    func validate() throws {
        try Session.check(session)
        guard PeerReference(to) != nil else {
            throw ValidationError("--to is neither a name nor an id; kith peers lists both")
        }
    }

    func run() async throws {
        let sent: SessionMessage.Sent = try await node.client().post(
            Session.path(session) + "/send", SessionMessage.Destination(to: to), patience: .seconds(60))
        if json { return try Terminal.printJSON(sent) }
        try Terminal.printLines(SessionsReport.sent(sent))
    }
}
