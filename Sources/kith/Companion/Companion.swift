// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects

struct Companion: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See whom a node talks to while you are away, and what it holds back.",
        discussion: """
            When nobody has asked anything for a while, a node talks with a peer about something abstract and keeps one \
            sentence of it. Nothing of yours is ever part of that.

            EXAMPLES:
              kith companion status
              kith companion now
              kith companion pause
              kith companion refusals
            """,
        subcommands: [
            CompanionStatus.self, CompanionNow.self, CompanionPause.self, CompanionResume.self, CompanionHistory.self,
            CompanionRefusals.self,
        ], defaultSubcommand: CompanionStatus.self)

    static let path = "/api/companion"

    static var report: CompanionReport { CompanionReport(width: Terminal.width, style: Terminal.style) }
}

struct CompanionStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show whether a node talks, waits or rests, and the last conversations.")

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() async throws {
        let status = try await node.client().get(CompanionMessage.Status.self, Companion.path)
        try Terminal.print(status, json: json, or: Companion.report.lines(status))
    }
}

struct CompanionNow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "now", abstract: "Have a conversation now, and wait for what comes of it.")

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print what came of it as JSON.")
    var json = false

    func run() async throws {
        let talk: CompanionMessage.Talk = try await node.client().post(
            Companion.path + "/now", NoMessage(), patience: .seconds(300))
        try Terminal.print(talk, json: json, or: Companion.report.lines(talk))
    }
}

struct CompanionPause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Begin no conversations, and answer none, until resumed; a new start does not end that.")

    @OptionGroup var node: ControlFlags

    func run() async throws { try await CompanionResume.set(paused: true, at: try node.client()) }
}

struct CompanionResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Begin conversations again.")

    @OptionGroup var node: ControlFlags

    func run() async throws { try await Self.set(paused: false, at: try node.client()) }

    static func set(paused: Bool, at client: NodeClient) async throws {
        let status: CompanionMessage.Status = try await client.put(
            Companion.path + "/pause", CompanionMessage.PauseRequest(paused: paused))
        try Terminal.printLines(["\(status.state): \(status.detail)"])
    }
}

struct CompanionHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "List the last conversations, and what was learned in each.")

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let found = try await node.client().get(CompanionMessage.Exchanges.self, Companion.path + "/history")
        try Terminal.print(found.exchanges, json: json, or: Companion.report.lines(found.exchanges))
    }
}

struct CompanionRefusals: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refusals",
        abstract: "Show what a node would have said to a peer and held back, and why.",
        discussion: "It stays on this machine. A guard that holds much back is doing its work, or is set too close.")

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let found = try await node.client().get(CompanionMessage.Refusals.self, Companion.path + "/refusals")
        try Terminal.print(found, json: json, or: Companion.report.lines(found))
    }
}
