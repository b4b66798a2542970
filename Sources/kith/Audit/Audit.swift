// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print who was refused at a node, and what its owner changed.",
        discussion: """
            What repeats within a minute is one line with its count. With -f it goes on until Ctrl-C, also when the node
            was started anew.

            EXAMPLES:
              kith audit
              kith audit --kind key,peer.forgotten --since 30d
              kith audit --kind client.refused --source 192.168.1.20
              kith audit -f --json

            \(ExitStatus.explanation)
            """)

    @OptionGroup var node: NodeFlags

    @Option(
        help: ArgumentHelp(
            "Kinds, or the words before their dots, with commas between them: "
                + AuditRecord.Kind.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "kinds"))
    var kind: String?

    @Option(help: ArgumentHelp("Only from this address or its network.", valueName: "address"))
    var source: String?

    @Option(help: ArgumentHelp("Not older than this, such as 2h or 30d.", valueName: "time"))
    var since: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("Lines at most.", valueName: "count"))
    var number: Int = 100

    @Flag(name: .shortAndLong, help: "Go on with the lines that come.")
    var follow = false

    @Flag(help: "Print each line as JSON.")
    var json = false

    func validate() throws {
        guard (0...AuditQuery.largestLimit).contains(number) else {
            throw ValidationError("--number must be from 0 to \(AuditQuery.largestLimit)")
        }
    }

    func run() async throws {
        let path = try AuditFlags.path(kinds: kind, source: source, since: since, count: number, now: .now())
        let found = try await node.client().get(AuditMessage.Lines.self, path).lines
        if json {
            for line in found { try Self.show(line, json: true) }
        } else if !follow || !found.isEmpty {
            try Terminal.printLines(Terminal.lines(AuditReport.self, of: found))
        }
        if follow { try await goOn(after: found.last?.id) }
    }

    /// Asks once a second: lines are in the database within one.
    private func goOn(after last: Int64?) async throws {
        let wayBack = try node.wayBack()
        let path = try AuditFlags.path(
            kinds: kind, source: source, since: nil, count: AuditQuery.largestLimit, now: .now())
        let start: Int64 =
            if let last { last } else { try await Self.newest(try wayBack()) }
        do {
            try await Interruption.cancelling { [json] in
                var (last, isWaiting) = (start, false)
                while true {
                    try await MonotonicClock().sleep(for: .seconds(1))
                    do {
                        let client = try wayBack()
                        let lines = try await client.get(AuditMessage.Lines.self, path + "&after=\(last)").lines
                        for line in lines { try Self.show(line, json: json) }
                        last = lines.last?.id ?? last
                        isWaiting = false
                    } catch let failure as CommandError where failure.status == .nodeUnreachable {
                        if !isWaiting { Terminal.note("waiting for the node: \(failure.message)") }
                        isWaiting = true
                    }
                }
            }
        } catch let failure as CommandError where failure.status == .interrupted {
            return  // how following ends
        }
    }

    private static func newest(_ client: NodeClient) async throws -> Int64 {
        try await client.get(AuditMessage.Lines.self, "/api/audit?n=1").lines.last?.id ?? 0
    }

    private static func show(_ line: AuditMessage.Line, json: Bool) throws {
        guard json else { return try Terminal.printLines([AuditReport.line(line, style: Terminal.style)]) }
        try Terminal.write(TerminalText(json: String(decoding: try line.bytes(), as: UTF8.self) + "\n"))
    }
}
