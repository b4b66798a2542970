// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct SessionList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the conversations that a node keeps, the last used first.")

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let found = try await node.client().get(SessionMessage.Sessions.self, "/api/sessions")
        if json { return try Terminal.printJSON(found.sessions) }
        try Terminal.printLines(SessionsReport(found.sessions, width: Terminal.width, style: Terminal.style).lines)
    }
}
