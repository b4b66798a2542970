// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithNode

struct Settings: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List all settings, their names and defaults.",
        discussion: """
            A setting is taken from a flag, else the environment, else .env, else config/kith.yaml, else its default. \
            The last two files stand in the node's data folder.

            EXAMPLES:
              kith settings
              kith settings ollama       those with that in one of their names
            """)

    @Argument(help: "Only settings with this in one of their names.")
    var word: String?

    @Flag(help: "Print the list as JSON.")
    var json = false

    @Flag(help: ArgumentHelp("Print docs/settings.md.", visibility: .hidden))
    var markdown = false

    func run() throws {
        if markdown { return try Terminal.write(TerminalText(document: SettingsDocument.markdown)) }
        if json { return try Terminal.printJSON(SettingDefinition.all.map(SettingEntry.init)) }
        let lines = SettingsReport.lines(word, width: Terminal.width, style: Terminal.style)
        guard !lines.isEmpty else {
            throw CommandError(.failed, "no setting has that in its name; kith settings lists all")
        }
        try Terminal.printLines(lines)
    }
}

/// A setting as `kith settings --json` shows it.
private struct SettingEntry: Encodable {
    var setting: String
    var flag: String?
    var environment: [String]
    var value: String
    var fallback: String?
    var secret: Bool
    var help: String

    init(_ definition: SettingDefinition) {
        setting = definition.key.rawValue
        flag = definition.flag
        environment = definition.environmentNames
        value = definition.kind.expectation
        fallback = definition.fallback
        secret = definition.isSecret
        help = definition.help
    }

    private enum CodingKeys: String, CodingKey {
        case setting, flag, environment, value, secret, help
        case fallback = "default"
    }
}
