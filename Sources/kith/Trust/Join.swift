// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import SystemPackage

struct Join: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pair this machine with the one that made a code.",
        discussion: """
            Asks for the code that `kith invite` printed there, without showing it, or reads it from standard input. It \
            is never an argument: arguments stand in the list of processes and in the shell's history.

            EXAMPLES:
              kith join                                           paste the code when asked
              ssh desk kith invite --tier kin | kith join
              kith join < code.txt

            \(ExitStatus.explanation)
            """)

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print who was joined as JSON.")
    var json = false

    @Argument(help: .hidden)
    var refused: [String] = []

    func validate() throws {
        guard refused.isEmpty else {
            throw ValidationError(
                "the code is not an argument, because it would show in the list of processes and in the shell's "
                    + "history: run kith join alone and paste it; as this one has been shown, make a new one")
        }
    }

    func run() async throws {
        let client = try node.client()
        let code = try PastedCode.clean(try text())
        let peer: ControlMessage.Peer = try await client.post(
            "/api/join", ControlMessage.JoinRequest(code: code), patience: .seconds(60))
        if json { return try Terminal.printJSON(peer) }
        try Terminal.printLines(PeerSentence.joined(peer))
    }

    private func text() throws -> String {
        guard Terminal.isTerminal(.standardInput) else {
            return try Terminal.readInput(limit: InvitationLimits.longestCode)
        }
        return try HiddenPrompt.ask("code (not shown): ", limit: InvitationLimits.longestCode)
    }
}
