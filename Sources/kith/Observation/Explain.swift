// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what a refusal or an error means, and what to do.",
        discussion: """
            Without a code it lists all of them.

            EXAMPLES:
              kith explain no_engine
              kith explain breaker-open
            """)

    @Argument(help: ArgumentHelp("The word from an error, a route or the audit trail.", valueName: "code"))
    var code: String?

    @Flag(help: "Print all as JSON.")
    var json = false

    @Flag(help: ArgumentHelp("Print docs/refusals.md.", visibility: .hidden))
    var markdown = false

    func run() throws {
        if markdown { return try Terminal.write(TerminalText(document: ExplanationGroup.markdown)) }
        if json { return try Terminal.printJSON(ExplanationGroup.all) }
        guard let code else {
            return try Terminal.printLines(ExplanationReport.lines(width: Terminal.width, style: Terminal.style))
        }
        try Terminal.printLines(ExplanationReport.lines(code, style: Terminal.style))
    }
}
