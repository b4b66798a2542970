// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Usage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what was used of the mesh through a node: by day, key, model and node.",
        discussion: """
            Days are in UTC and kept for 400 days. With a key of the scope admin, or on the node's own machine, all is shown; \
            with another key, what was used with it.

            EXAMPLES:
              kith usage
              kith usage --days 90 --csv > usage.csv
              kith usage --key abcdefgh

            \(ExitStatus.explanation)
            """)

    @OptionGroup var node: ControlFlags

    @Option(help: ArgumentHelp("How many days, today included.", valueName: "count"))
    var days: Int = 30

    @Option(help: ArgumentHelp("The id of one key, as kith key list shows it.", valueName: "id"))
    var key: String?

    @Flag(help: "Print lines for a spreadsheet.")
    var csv = false

    @Flag(help: "Print the list as JSON.")
    var json = false

    func validate() throws {
        guard (1...400).contains(days) else { throw ValidationError("--days must be from 1 to 400") }
        guard !csv || !json else { throw ValidationError("--csv and --json exclude each other") }
        guard key?.hasPrefix("kith_") != true else {
            throw ValidationError("--key wants a key's id, which kith key list shows, and never the key itself")
        }
    }

    func run() async throws {
        var path = "/api/usage?days=\(days)"
        if let key { path += "&key=" + PathSegment.escaped(key) }
        let found = try await node.client().get(ControlMessage.UsageList.self, path)
        if csv {
            try Terminal.printLines([ControlMessage.Usage.csvHeader] + found.usage.map(\.csvLine))
        } else {
            try Terminal.print(found.usage, json: json, as: UsageReport.self)
        }
    }
}
