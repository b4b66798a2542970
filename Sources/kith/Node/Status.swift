// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a node does: its engine, its peers, its state.",
        discussion: """
            EXAMPLES:
              kith status
              kith status --url http://127.0.0.1:8081 --json
            """)

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print the node's answer as JSON.")
    var json = false

    func run() async throws {
        let status = try await node.client().get(NodeStatus.self, "/api/status")
        try Terminal.print(status, json: json, as: StatusReport.self)
    }
}

struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send new prompts to your other machines, and wait until nothing runs here.",
        discussion: """
            Answers under way are handed over to kin that can go on with them; the others go on here. The node takes \
            part in everything else, and answers prompts itself only when no kin can. It takes new ones again with --off, and after a new start.

            EXAMPLES:
              kith drain
              kith drain --timeout 30
              kith drain --off

            \(ExitStatus.explanation)
            """)

    private static let path = "/api/drain"
    private static let pause = Duration.milliseconds(200)

    @OptionGroup var node: ControlFlags

    @Flag(help: "Take new prompts again.")
    var off = false

    @Option(
        help: ArgumentHelp(
            "Seconds to wait for what still runs; the node goes on draining after.", valueName: "seconds"))
    var timeout: Int = 600

    @Flag(help: "Print the node's state as JSON when it is done.")
    var json = false

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout must be from 1 to 86400") }
    }

    func run() async throws {
        let client = try node.client()
        let begun: ControlMessage.Drain = try await client.put(
            Self.path, ControlMessage.DrainRequest(draining: !off))
        if off { return try Terminal.print(begun, json: json, or: [DrainReport.off]) }
        try await Interruption.cancelling { [timeout, json] in
            let done = try await Self.wait(on: client, from: begun, for: .seconds(timeout))
            try Terminal.print(done, json: json, or: [DrainReport(done).end])
        }
    }

    /// Says what still runs whenever that changes.
    private static func wait(
        on client: NodeClient, from begun: ControlMessage.Drain, for limit: Duration
    ) async throws -> ControlMessage.Drain {
        let clock = MonotonicClock()
        let deadline = clock.now + limit
        var state = begun
        var said: String?
        while !DrainReport(state).isDone {
            guard state.draining else { throw CommandError(.failed, "the node was told to take prompts again") }
            let progress = DrainReport(state).progress
            if let progress, progress != said { Terminal.note(progress) }
            said = progress
            guard clock.now < deadline else {
                throw CommandError(
                    .failed,
                    "\(progress ?? "kin may still send something"); the node goes on draining: kith drain waits again, "
                        + "kith drain --off ends it")
            }
            try await clock.sleep(for: pause)
            state = try await client.get(ControlMessage.Drain.self, path)
        }
        return state
    }
}
