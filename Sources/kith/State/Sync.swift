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
              kith sync wait && poweroff
            """,
        subcommands: [SyncStatus.self, SyncWait.self], defaultSubcommand: SyncStatus.self)
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

struct SyncWait: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until your devices that can be reached have all that is shared.",
        discussion: """
            EXAMPLES:
              kith sync wait --timeout 30

            \(ExitStatus.explanation)
            """)

    @OptionGroup var node: NodeFlags

    @Option(help: ArgumentHelp("Seconds to wait at most.", valueName: "seconds"))
    var timeout: Int = 600

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout must be from 1 to 86400") }
    }

    func run() async throws {
        let client = try node.client()
        try await Interruption.cancelling { [timeout] in
            switch try await SyncWatch.wait(on: client, for: .seconds(timeout)) {
            case .inStep: try Terminal.printLines(["all in step"])
            case .unreachable(let names):
                let list = names.joined(separator: ", ").printable
                try Terminal.printLines(["in step, but for what cannot be reached: \(list)"])
            case .waiting, .moving:
                throw CommandError(
                    .failed, "not in step after \(timeout) seconds; it goes on, kith sync status shows how far it is")
            }
        }
    }
}

/// Waits for devices to get into step, and shows how far they are.
enum SyncWatch {
    private static let pause = Duration.milliseconds(150)

    /// - Parameter id: Of the one kin that is meant; `nil` for all.
    /// - Returns: How it was at the end: after `limit`, perhaps not in step.
    /// - Throws: `CommandError`; `CancellationError`.
    static func wait(
        on client: NodeClient, with id: String? = nil, for limit: Duration
    ) async throws -> SyncProgress.Step {
        let clock = MonotonicClock()
        let deadline = clock.now + limit
        let meter = ProgressMeter()
        defer { meter.clear() }
        var progress = SyncProgress(with: id)
        while true {
            let step = progress.take(try await client.get(StateMessage.Sync.self, "/api/sync"))
            switch step {
            case .inStep, .unreachable: return step
            case .moving(let bar): meter.show(bar)
            case .waiting: break
            }
            if clock.now >= deadline { return step }
            try await clock.sleep(for: pause)
        }
    }
}
