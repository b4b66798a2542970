// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct LevelShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the levels that nodes and programs declare.")

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print the node's answer as JSON.")
    var json = false

    func run() async throws {
        let found = try await node.client().get(StateMessage.Levels.self, "/api/levels")
        if json { return try Terminal.printJSON(found.levels) }
        try Terminal.printLines(LevelsReport(found.levels, width: Terminal.width, style: Terminal.style).lines)
    }
}
