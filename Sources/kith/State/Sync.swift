// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Sync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See whether your devices are in step.",
        discussion: """
            EXAMPLES:
              kith sync status
            """,
        subcommands: [SyncStatus.self], defaultSubcommand: SyncStatus.self)
}

struct SyncStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show for each of your devices whether it has all that is shared.",
        discussion: """
            As this node knows it: in step, behind by so many writes, ahead by so many, or unreachable since when. What \
            is missing is sent as soon as the other can be reached.

            EXAMPLES:
              kith sync status
              kith sync status --json
            """)

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print the node's answer as JSON.")
    var json = false

    func run() async throws {
        let sync = try await node.client().get(StateMessage.Sync.self, "/api/sync")
        let report = SyncStatusReport(sync, now: .now(), width: Terminal.width, style: Terminal.style)
        try Terminal.print(sync, json: json, or: report.lines)
    }
}
