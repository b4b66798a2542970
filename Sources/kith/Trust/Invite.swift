// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Invite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a one-time code with which another machine can be paired.",
        discussion: """
            The code alone goes to standard output, what it means to standard error, and on a terminal it is drawn as a \
            QR code too. Whoever has it can join until it is used or has expired: do not send it through what others read.

            EXAMPLES:
              kith invite --tier kin                              another machine of yours
              kith invite --tier kith --expires 1h                somebody else's node
              kith invite --tier kin | ssh laptop kith join       without a clipboard

            \(ExitStatus.explanation)
            """)

    @OptionGroup var node: ControlFlags

    @Option(help: ArgumentHelp("kin for a machine of yours, kith for somebody else's.", valueName: "kin|kith"))
    var tier: Tier

    @Option(help: ArgumentHelp("How long the code holds, from 10s to 1d.", valueName: "time"))
    var expires = "10m"

    @Flag(name: .customLong("no-qr"), help: "Draw no QR code.")
    var noQR = false

    @Flag(help: "Print code, tier and seconds as JSON.")
    var json = false

    func run() async throws {
        let lifetime = try Lifetime(expires, flag: "--expires", within: InvitationLimits.expirySeconds)
        let invitation: ControlMessage.Invitation = try await node.client().post(
            "/api/invitations",
            ControlMessage.InvitationRequest(tier: tier, expiresSeconds: lifetime.seconds))
        if json { return try Terminal.printJSON(invitation) }
        draw(invitation.code)
        try Terminal.printLines([invitation.code])
        for line in InvitationNotes(invitation).lines { Terminal.note(line) }
    }

    /// Only where somebody sees it: never into a pipe or a file.
    private func draw(_ code: String) {
        guard !noQR, case .coloured = Terminal.style, case .coloured = Terminal.errorStyle, let width = Terminal.width,
            let drawing = QRCode.matrix(of: code).map({ QRDrawing($0) }), drawing.width <= width
        else { return }
        for line in drawing.lines { Terminal.note(line) }
    }
}

extension Tier: ExpressibleByArgument {}
