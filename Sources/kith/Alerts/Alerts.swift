// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithAlerts
import KithCommand
import KithDialects

struct Alerts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See what needs attention in the mesh, and say what you do not want to be told.",
        discussion: """
            Every node judges itself and its kin; one of them tells people. See docs/alerts.md.

            EXAMPLES:
              kith alerts
              kith alerts silence peer-down --subject laptop --for 8h --reason "taken along"
              kith alerts unsilence 1f3a9c02
              kith alerts --prometheus-rules > kith.rules.yml
            """,
        subcommands: [AlertsList.self, AlertsSilence.self, AlertsUnsilence.self], defaultSubcommand: AlertsList.self)

    static let path = "/api/alerts"
}

struct AlertsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List what fires, what may soon, and what is over.")

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print the list as JSON.")
    var json = false

    @Flag(help: "Print the same conditions as alerting rules for Prometheus, and ask no node.")
    var prometheusRules = false

    func run() async throws {
        if prometheusRules { return try Terminal.write(TerminalText(document: PrometheusRules.text())) }
        let report = try await node.client().get(AlertMessage.Report.self, Alerts.path)
        try Terminal.print(report, json: json, as: AlertsReport.self)
    }
}

struct AlertsSilence: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "silence", abstract: "Tell nobody of some alerts for a while; they are listed all the same.")

    @OptionGroup var node: ControlFlags

    @Argument(
        help: ArgumentHelp("The alert, such as peer-down; or all.", valueName: "condition"),
        completion: .list(AlertCondition.allCases.map(\.rawValue) + ["all"]))
    var condition: String

    @Option(help: ArgumentHelp("Only about this node: its name or id.", valueName: "node"))
    var subject: String?

    @Option(name: .customLong("for"), help: ArgumentHelp("How long, such as 30m, 2h or 7d.", valueName: "time"))
    var time = "2h"

    @Option(help: "Why, for those who see the list.")
    var reason: String?

    @Flag(help: "Print the silence as JSON.")
    var json = false

    func run() async throws {
        let longest = Int(AlertSilence.longest.components.seconds)
        let lifetime = try Lifetime(time, flag: "--for", within: 1...longest)
        let silence: AlertMessage.Silence = try await node.client().post(
            Alerts.path + "/silences",
            AlertMessage.SilenceRequest(
                condition: condition == "all" ? nil : condition, subject: subject,
                minutes: Double(lifetime.seconds) / 60,
                reason: reason))
        try Terminal.print(silence, json: json, or: [AlertsReport.line(silence)])
    }
}

struct AlertsUnsilence: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unsilence", abstract: "End a silence: what still fires is told.")

    @OptionGroup var node: ControlFlags

    @Argument(help: "The silence, as kith alerts lists it.")
    var id: String

    func run() async throws {
        guard id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
            throw ValidationError("that is no silence; kith alerts lists them")
        }
        let silence: AlertMessage.Silence = try await node.client().delete(Alerts.path + "/silences/\(id)")
        try Terminal.printLines(["silence \(silence.id.printable) is over"])
    }
}
