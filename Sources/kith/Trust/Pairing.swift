// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CQRencode
import KithCommand
import KithDialects
import KithDoctor
import KithModel
import KithTrust
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

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
    var tier: Tier?

    @Option(help: ArgumentHelp("How long the code holds, from 10s to 1d.", valueName: "time"))
    var expires = "10m"

    @Flag(name: .customLong("no-qr"), help: "Draw no QR code.")
    var noQR = false

    @Flag(help: "Print code, tier and seconds as JSON.")
    var json = false

    func run() async throws {
        let tier = try self.tier ?? Self.askedTier()
        let lifetime = try Lifetime(expires, flag: "--expires", within: InvitationLimits.expirySeconds)
        let invitation: ControlMessage.Invitation = try await node.client().post(
            "/api/invitations",
            ControlMessage.InvitationRequest(tier: tier, expiresSeconds: lifetime.seconds))
        if json { return try Terminal.printJSON(invitation) }
        let notes = InvitationNotes(invitation)
        let warnings = notes.warnings(hasNetwork: LocalNetwork.hasAddress)
        for line in warnings { Terminal.note(line) }
        let isDrawn = draw(invitation.code)
        try Terminal.printLines([invitation.code])
        // The drawing is as high as a screen, and what stood above it may be gone.
        for line in notes.lines + (isDrawn ? warnings : []) { Terminal.note(line) }
    }

    private static func askedTier() throws(CommandError) -> Tier {
        let question = "whose machine will it be?"
        guard Terminal.isTerminal(.standardInput), Terminal.isTerminal(.standardError) else {
            throw CommandError(.usage, question + " --tier kin (yours) or --tier kith (somebody else's)")
        }
        Terminal.note("\(question) kin (yours) or kith (somebody else's): ", end: "")
        guard let tier = Tier(rawValue: readLine()?.filter { !$0.isWhitespace }.lowercased() ?? "") else {
            throw CommandError(.usage, "that is neither kin nor kith; no code was made")
        }
        return tier
    }

    /// Draws the code only on a terminal, never into a pipe or a file.
    private func draw(_ code: String) -> Bool {
        guard !noQR, Terminal.takesUnicode(.standardError), case .coloured = Terminal.style,
            case .coloured = Terminal.errorStyle, let width = Terminal.width,
            let drawing = QRCode.matrix(of: code).map({ QRDrawing($0) }), drawing.width <= width
        else { return false }
        for line in drawing.lines { Terminal.note(line) }
        return true
    }
}

extension Tier: ExpressibleByArgument {}

struct Join: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pair this machine with the one that made a code.",
        discussion: """
            Asks for the code that `kith invite` printed there, without showing it, or reads it from standard input. It \
            is never an argument: arguments stand in the list of processes and in the shell's history. Where both \
            machines see each other on the network, the six words do in its place: four letters of each are enough.

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

    static func codeIsNoArgument(_ command: String) -> String {
        "the code is not an argument, because it would show in the list of processes and in the shell's history: run "
            + "\(command) alone and paste it; as this one has been shown, make a new one"
    }

    func validate() throws {
        guard refused.isEmpty else {
            throw ValidationError(Self.codeIsNoArgument("kith join"))
        }
    }

    func run() async throws {
        let client = try node.client()
        let code = try PastedCode.clean(try text())
        let peer: ControlMessage.Peer = try await client.post(
            "/api/join", ControlMessage.JoinRequest(code: code), patience: .seconds(60))
        try Terminal.print(peer, json: json, or: PeerSentence.joined(peer))
        try await warnIfUnreachable(by: peer, code, client)
        if peer.tier == .kin, !json, Terminal.isTerminal(.standardError) { try await share(with: peer, client) }
    }

    /// A node that listens on its own machine only is joined, and cannot be asked by the others.
    private func warnIfUnreachable(
        by peer: ControlMessage.Peer, _ code: String, _ client: NodeClient
    ) async throws {
        // Words are for nodes that see each other on a network.
        guard case .success(let read) = PairingCode.read(code),
            read.addresses.contains(where: { !$0.isLoopback }) || read.place == nil
        else { return }
        let own = try await client.get(ControlMessage.Identity.self, "/api/identity")
        guard own.addresses.allSatisfy(\.isLoopback) else { return }
        Terminal.note("warning: \(peer.name) cannot ask this node, which listens on this machine only;")
        Terminal.note("this opens it: kith setup --yes --lan")
    }

    /// Shows the first exchange of what kin share. It goes on without anybody watching.
    private func share(with peer: ControlMessage.Peer, _ client: NodeClient) async throws {
        try await Interruption.cancelling {
            let step = try await SyncWatch.wait(on: client, with: peer.id.description, for: .seconds(60))
            switch step {
            case .inStep: Terminal.note("both have all that is shared")
            case .waiting, .moving, .unreachable: Terminal.note("sharing goes on; kith sync status shows how far it is")
            }
        }
    }

    private func text() throws -> String {
        guard Terminal.isTerminal(.standardInput) else {
            return PastedCode.first(in: try Terminal.readInput(limit: InvitationLimits.longestCode))
        }
        return try HiddenPrompt.ask("code or six words (not shown): ", limit: InvitationLimits.longestCode) { text in
            guard let code = try? PastedCode.clean(text), case .failure(let why) = PairingCode.read(code) else {
                return nil
            }
            return why.isBeginning ? "not whole yet: paste the rest, or press Enter to stop" : nil
        }
    }
}

/// QR codes by libqrencode.
enum QRCode {
    /// - Returns: `nil` when the text does not fit into one.
    static func matrix(of text: String) -> QRMatrix? {
        guard let code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1) else { return nil }
        defer { QRcode_free(code) }
        guard let size = Int(exactly: code.pointee.width), let modules = code.pointee.data else { return nil }
        // The lowest bit of a module's byte is its colour.
        return QRMatrix(size: size, isDark: (0..<size * size).map { modules[$0] & 1 == 1 })
    }
}

/// Asks on the terminal for text that must not be shown.
enum HiddenPrompt {
    /// A paste of several lines arrives in one go; nobody types the next line this fast.
    private static let pauseMilliseconds: Int32 = 200
    /// How often the rest of a text is asked for.
    private static let restLimit = 20

    /// - Parameter rest: What to ask for when only the beginning of what is wanted has come; `nil` for what is whole, or wrong.
    /// - Throws: `CommandError` with `interrupted` on Ctrl-C, `usage` for more than `limit` bytes, `failed` for a
    ///   terminal that cannot be read. The terminal is as it was in any case.
    static func ask(
        _ prompt: String, limit: Int, rest: (String) -> String?
    ) throws(CommandError) -> String {
        var former = termios()
        guard tcgetattr(STDIN_FILENO, &former) == 0 else {
            throw CommandError(.failed, "the terminal cannot be asked without showing the answer; use a pipe")
        }
        var hidden = former
        // Without signals, Ctrl-C comes as a byte, and cannot end the process with the terminal left silent.
        hidden.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG | IEXTEN)
        guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0 else {
            throw CommandError(.failed, "the terminal cannot be told not to show the answer; use a pipe")
        }
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &former)
            Terminal.note("")
        }
        Terminal.note(prompt, end: "")
        return try read(limit: limit, rest: rest)
    }

    private static func read(limit: Int, rest: (String) -> String?) throws(CommandError) -> String {
        var input = HiddenInput(limit: limit)
        var asked = 0
        while true {
            if input.mayEnd, !hasMore() {
                guard !input.isGivenUp, let words = rest(input.text), asked < restLimit else { return input.text }
                asked += 1
                Terminal.note("\n" + words + ": ", end: "")
            }
            if input.isEmptyLine, !hasMore() {
                Terminal.note("\nnothing has come yet; paste the code, or press Ctrl-C: ", end: "")
                input = HiddenInput(limit: limit)
            }
            guard let byte = try nextByte() else { return input.text }
            switch input.take(byte) {
            case .goOn: continue
            case .done: return input.text
            case .interrupted: throw CommandError(.interrupted)
            case .tooLong: throw CommandError(.usage, "that is longer than \(limit) bytes, and no code")
            }
        }
    }

    private static func hasMore() -> Bool {
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, pauseMilliseconds) > 0
    }

    private static func nextByte() throws(CommandError) -> UInt8? {
        do {
            var byte: UInt8 = 0
            let count = try withUnsafeMutableBytes(of: &byte) { try FileDescriptor.standardInput.read(into: $0) }
            return count == 1 ? byte : nil
        } catch {
            throw CommandError(.failed, "the terminal cannot be read: \(error)")
        }
    }
}
