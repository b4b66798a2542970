// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct SessionShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Print what was said.")

    @Argument(help: "The conversation, as kith session list names it.")
    var session: String

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the conversation as JSON.")
    var json = false

    func validate() throws { try Session.check(session) }

    func run() async throws {
        let found = try await node.client().get(SessionMessage.Session.self, Session.path(session))
        if json { return try Terminal.printJSON(found) }
        try Terminal.printLines(SessionsReport.transcript(found, style: Terminal.style))
    }
}
