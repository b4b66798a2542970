// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithNode
import Testing

@Suite("Settings for people")
struct SettingsReportTests {
    @Test("A narrow terminal gets all of each sentence, and no line that is too wide", arguments: [40, 80, 100, 159])
    func narrow(width: Int) {
        let lines = SettingsReport.lines(width: width, style: .plain)
        #expect(lines.allSatisfy { $0.displayWidth <= width })
        let all = lines.joined(separator: " ").split(separator: " ").joined(separator: " ")
        for definition in SettingDefinition.all { #expect(all.contains(definition.help)) }
    }

    @Test("A wide terminal, and a pipe, get a table with a line for each", arguments: [nil, 160])
    func wide(width: Int?) {
        #expect(SettingsReport.lines(width: width, style: .plain).count == SettingDefinition.all.count + 1)
    }

    @Test("With a word, only those settings are shown that have it in one of their names")
    func word() {
        let lines = SettingsReport.lines("OLLAMA_PORT", width: nil, style: .plain)
        #expect(lines.contains { $0.hasPrefix("server.ollama_port") })
        #expect(!lines.contains { $0.hasPrefix("peer.port") })
        #expect(SettingsReport.lines("nosuchsetting", width: 80, style: .plain).isEmpty)
    }
}
