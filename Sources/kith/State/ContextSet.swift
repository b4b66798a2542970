// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct ContextSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Write a value, or choose one among several.",
        discussion: """
            Returns when the value is on this device's disk; the others get it at once, or when they are back.

            A value that is a JSON object, array, number, true or false is kept as that; everything else is kept as the \
            text that it is. --text keeps it as text in any case.

            EXAMPLES:
              kith context set branch main
              kith context set cursor '{"line": 12, "column": 4}'
              kith context set ticket 1234 --text
            """)

    @Argument(help: "The key, such as branch or file.")
    var key: String

    @Argument(help: "The value.")
    var value: String

    @OptionGroup var node: NodeFlags

    @Option(help: ArgumentHelp("In whose name, such as an editor's; else the node's.", valueName: "name"))
    var source: String?

    @Flag(help: "Keep the value as text, whatever it looks like.")
    var text = false

    @Flag(help: "Print what is known under the key now as JSON.")
    var json = false

    func validate() throws { try Context.check(key) }

    func run() async throws {
        let wish = StateMessage.ContextWish(
            value: text ? .string(value) : ContextValueText.value(value), source: source)
        let written: StateMessage.ContextEntry = try await node.client().put(Context.path(key), wish)
        if json { return try Terminal.printJSON(written) }
        try Terminal.printLines(ContextReport.written(written))
    }
}
