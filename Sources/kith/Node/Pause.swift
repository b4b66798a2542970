// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Leave new prompts to your other machines while you need this one yourself.",
        discussion: """
            Answers under way are handed over where another machine can go on with them. The setting engine.pause_while \
            names programs, such as a game, during which a node pauses by itself. A new start ends a pause.

            EXAMPLES:
              kith pause
              kith pause --for 2h
              kith pause --off

            \(ExitStatus.explanation)
            """)

    @OptionGroup var node: ControlFlags

    @Option(name: .customLong("for"), help: ArgumentHelp("How long, from 1s to 365d.", valueName: "time"))
    var time: String?

    @Flag(help: "Take new prompts again, also beside the programs that run now.")
    var off = false

    @Flag(help: "Print the node's state as JSON.")
    var json = false

    func validate() throws {
        guard time == nil || !off else { throw ValidationError("--for and --off exclude each other") }
    }

    func run() async throws {
        let seconds = try time.map { try Lifetime($0, flag: "--for", within: 1...31_536_000).seconds }
        let state: ControlMessage.Drain = try await node.client().put(
            "/api/drain", ControlMessage.DrainRequest(draining: !off, forSeconds: seconds))
        try Terminal.print(state, json: json, or: [DrainReport(state).pause])
    }
}
