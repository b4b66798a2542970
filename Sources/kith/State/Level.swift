// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct Level: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show and declare levels: how much of the work a node is for.",
        discussion: """
            A node that declares twice the level of another gets about twice the work. Programs may declare levels under \
            names of their own, which all your devices see.

            EXAMPLES:
              kith level show
              kith level set 2.5
              kith level set 0.8 --source editor
            """,
        subcommands: [LevelShow.self, LevelSet.self], defaultSubcommand: LevelShow.self)
}

struct LevelShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the levels that nodes and programs declare.")

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print the node's answer as JSON.")
    var json = false

    func run() async throws {
        let found = try await node.client().get(StateMessage.Levels.self, "/api/levels")
        try Terminal.print(found.levels, json: json, as: LevelsReport.self)
    }
}

struct LevelSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Declare a level, for the node or under another name.",
        discussion: """
            EXAMPLES:
              kith level set 2.5
              kith level set 0.8 --source editor
            """)

    @Argument(help: "From 0 to 10.")
    var level: Double

    @OptionGroup var node: NodeFlags

    @Option(help: ArgumentHelp("Whose level, such as a program's; else the node's.", valueName: "name"))
    var source: String = "self"

    @Flag(help: "Print the level as JSON.")
    var json = false

    func validate() throws {
        guard StateMessage.LevelRequest.range.contains(level) else {
            throw ValidationError("a level is from 0 to 10")
        }
        guard !source.isEmpty else { throw ValidationError("--source must not be empty") }
    }

    func run() async throws {
        let path = "/api/levels/" + PathSegment.escaped(source)
        let written: StateMessage.Level = try await node.client().put(path, StateMessage.LevelRequest(level: level))
        try Terminal.print(written, json: json, or: LevelsReport.written(written))
    }
}
