// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct Trace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how one request went, across machines, as a timeline.",
        discussion: """
            A request is named by what its answer's header x-request-id says; without a name the last requests are listed. \
            The node asks its kin for their parts; one that does not answer is named. Clocks of machines differ, so what \
            another machine did is put into the middle of the wait for it.

            EXAMPLES:
              kith trace
              kith trace 4bf92f3577b34da6a3ce929d0e0e4736
              kith trace my-request-17 --json | jq .spans

            \(ExitStatus.explanation)
            """)

    @Argument(help: ArgumentHelp("The request's id or its beginning, or the trace's.", valueName: "request"))
    var request: String?

    @OptionGroup var node: NodeFlags

    @Option(help: ArgumentHelp("Requests to list at most.", valueName: "count"))
    var limit: Int = 20

    @Flag(help: "Print the node's answer as JSON.")
    var json = false

    func validate() throws {
        guard (1...256).contains(limit) else { throw ValidationError("--limit must be from 1 to 256") }
    }

    func run() async throws {
        let client = try node.client()
        guard let request else {
            let recent = try await client.get(RouteMessage.Recent.self, "/api/routes/recent?limit=\(limit)")
            return try Terminal.print(
                recent.requests, json: json, or: Terminal.lines(RecentTracesReport.self, of: recent))
        }
        let id = try await whole(request, client)
        let trace = try await client.get(TraceMessage.Trace.self, "/api/traces/" + PathSegment.escaped(id))
        try Terminal.print(trace, json: json, as: TraceReport.self)
    }

    /// The id of the one request lately that begins so; else what was typed.
    private func whole(_ typed: String, _ client: NodeClient) async throws -> String {
        let recent = try await client.get(RouteMessage.Recent.self, "/api/routes/recent?limit=256")
        let fitting = Set(recent.requests.map(\.id).filter { $0.hasPrefix(typed) })
        return fitting.count == 1 ? fitting.first ?? typed : typed
    }
}
