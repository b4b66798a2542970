// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import Synchronization

struct Logs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the last lines of a node's log, also of another machine's.",
        discussion: """
            With -f it goes on until Ctrl-C, also when the node was started anew. The node keeps its last thousand lines.

            EXAMPLES:
              kith logs
              kith logs -f --level warning
              kith logs -f --node laptop

            \(ExitStatus.explanation)
            """)

    @OptionGroup var node: NodeFlags

    @Flag(name: .shortAndLong, help: "Go on with the lines that come.")
    var follow = false

    @Option(name: .customLong("node"), help: ArgumentHelp("A kin whose log is wanted.", valueName: "name"))
    var peer: String?

    @Option(
        help: ArgumentHelp("The least severity that is shown.", valueName: "level"),
        completion: .list(LogSeverity.allCases.map(\.rawValue)))
    var level: String = LogSeverity.trace.rawValue

    @Option(name: .shortAndLong, help: ArgumentHelp("Lines of the past.", valueName: "count"))
    var number: Int = 100

    @Flag(help: "Print each line as JSON.")
    var json = false

    func validate() throws {
        guard LogSeverity(rawValue: level) != nil else {
            let all = LogSeverity.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--level must be one of \(all)")
        }
        guard (0...LogRing.capacity).contains(number) else {
            throw ValidationError("--number must be from 0 to \(LogRing.capacity)")
        }
    }

    func run() async throws {
        guard follow else {
            let told = try await node.client().get(LogMessage.Lines.self, path)
            for line in told.lines { try Self.show(line, json: json) }
            return
        }
        let shown = ShownLines()
        try await Following(
            wayBack: try node.wayBack(), path: path + "&follow=1",
            onNews: { news in
                if case .returned = news { shown.watch.withLock { $0.returned() } }
                Following.note(news)
            }
        ) { [json] event in
            guard let line = LogText.line(of: event), shown.watch.withLock({ $0.isNew(line) }) else { return }
            try Self.show(line, json: json)
        }.run()
    }

    private var path: String {
        "/api/logs?n=\(number)&level=\(level)" + (peer.map { "&node=" + PathSegment.escaped($0) } ?? "")
    }

    private static func show(_ line: LogMessage.Line, json: Bool) throws {
        guard json else { return try Terminal.printLines([LogText.line(line, style: Terminal.style)]) }
        try Terminal.write(TerminalText(json: String(decoding: try line.bytes(), as: UTF8.self) + "\n"))
    }
}

/// The lines that were shown; shared by what shows them and what notices that the node is back.
private final class ShownLines: Sendable {
    let watch = Mutex(LogWatch())
}
