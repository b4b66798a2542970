// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct ContextClear: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear",
        abstract: "Remove a key, or all of them, on all your devices.",
        discussion: """
            EXAMPLES:
              kith context clear branch
              kith context clear
            """)

    @Argument(help: "Only this key.")
    var key: String?

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print what was removed as JSON.")
    var json = false

    func validate() throws {
        if let key { try Context.check(key) }
    }

    func run() async throws {
        let client = try node.client()
        var removed = StateMessage.Cleared(removed: [])
        if let key {
            let entry: StateMessage.ContextEntry = try await client.delete(Context.path(key))
            removed.removed = [entry.key]
        } else {
            removed = try await client.delete("/api/context")
        }
        if json { return try Terminal.printJSON(removed) }
        try Terminal.printLines(ContextReport.removed(removed.removed))
    }
}
