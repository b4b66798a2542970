// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Session: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List and read the conversations that a node keeps, and move one to another device.",
        discussion: """
            A conversation stays with the node that it was had with, until it is sent to another one of yours.

            EXAMPLES:
              kith session list
              kith session show kitchen
              kith session send kitchen --to laptop
            """,
        subcommands: [SessionList.self, SessionShow.self, SessionSend.self], defaultSubcommand: SessionList.self)

    static func path(_ session: String) -> String { "/api/sessions/" + PathSegment.escaped(session) }

    static func check(_ session: String) throws {
        guard SessionID(session) != nil else {
            throw ValidationError(
                "a session's name has 1 to 128 bytes and no control characters; kith session list lists them")
        }
    }
}

struct SessionList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the conversations that a node keeps, the last used first.")

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let found = try await node.client().get(SessionMessage.Sessions.self, "/api/sessions")
        try Terminal.print(found.sessions, json: json, as: SessionsReport.self)
    }
}

struct SessionShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Print what was said.")

    @Argument(help: "The conversation, as kith session list names it.")
    var session: String

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the conversation as JSON.")
    var json = false

    func validate() throws { try Session.check(session) }

    func run() async throws {
        let found = try await node.client().get(SessionMessage.Session.self, Session.path(session))
        try Terminal.print(found, json: json, or: SessionsReport.transcript(found, style: Terminal.style))
    }
}

struct SessionSend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Move a conversation to another one of your devices.",
        discussion: """
            It is removed here when the other has it on its disk, and not before. When the connection breaks in between, \
            send it again: it is kept once.

            EXAMPLES:
              kith session send kitchen --to laptop
            """)

    @Argument(help: "The conversation, as kith session list names it.")
    var session: String

    @Option(help: ArgumentHelp("The peer that is to keep it: its name or its id.", valueName: "node"))
    var to: String

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print where the conversation is now as JSON.")
    var json = false

    func validate() throws {
        try Session.check(session)
        guard PeerReference(to) != nil else {
            throw ValidationError("--to is neither a name nor an id; kith peers lists both")
        }
    }

    func run() async throws {
        let sent: SessionMessage.Sent = try await node.client().post(
            Session.path(session) + "/send", SessionMessage.Destination(to: to), patience: .seconds(60))
        try Terminal.print(sent, json: json, or: SessionsReport.sent(sent))
    }
}
