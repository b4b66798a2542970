// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what happens in a node, as it happens, until Ctrl-C.",
        discussion: """
            Goes on when the node was started anew, and says so.

            EXAMPLES:
              kith events
              kith events --kinds route,level
              kith events --json | jq .kind

            \(ExitStatus.explanation)
            """)

    @OptionGroup var node: NodeFlags

    @Option(
        help: ArgumentHelp(
            "Kinds of events, with commas between them: \(NodeEvent.Kind.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "kinds"))
    var kinds: String?

    @Flag(help: "Print each event as one line of JSON.")
    var json = false

    func run() async throws {
        let words = kinds?.split(separator: ",").map { PathSegment.escaped(String($0)) }
        let query = words.map { "?kinds=" + $0.joined(separator: ",") } ?? ""
        try await Following(wayBack: try node.wayBack(), path: "/api/events" + query) { [json] event in
            if json {
                try Terminal.write(TerminalText(json: event.data + "\n"))
            } else if let line = EventText.line(event, style: Terminal.style) {
                try Terminal.printLines([line])
            }
        }.run()
    }
}
