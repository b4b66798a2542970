// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct ContextShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what you are working on.",
        discussion: """
            With a key, its value goes to standard output and who wrote it to standard error.

            EXAMPLES:
              kith context show
              kith context show branch
            """)

    @Argument(help: "Only this key.")
    var key: String?

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print what is known as JSON.")
    var json = false

    func validate() throws {
        if let key { try Context.check(key) }
    }

    func run() async throws {
        let client = try node.client()
        if let key { return try show(try await client.get(StateMessage.ContextEntry.self, Context.path(key))) }
        let entries = try await Context.all(from: client)
        if json { return try Terminal.printJSON(entries) }
        try Terminal.printLines(ContextReport(entries, width: Terminal.width, style: Terminal.style).lines)
    }

    private func show(_ entry: StateMessage.ContextEntry) throws {
        if json { return try Terminal.printJSON(entry) }
        guard !entry.isConflict, let value = entry.values.first else {
            return try Terminal.printLines(
                ContextReport([entry], width: Terminal.width, style: Terminal.style).lines)
        }
        try Terminal.printLines(ContextReport.full(value))
        Terminal.note(Terminal.errorStyle.dim(ContextReport.origin(value)))
    }
}
