// SPDX-License-Identifier: Apache-2.0

import KithNode

/// All settings, for people.
package enum SettingsReport {
    package static func lines(width: Int?, style: TerminalStyle) -> [String] {
        var table = TextTable([
            .init("SETTING", .first), .init("FLAG", .extra), .init("ENVIRONMENT", .extra, least: 16),
            .init("DEFAULT", .useful, least: 8), .init("WHAT IT DOES", .needed, least: 30),
        ])
        for definition in SettingDefinition.all {
            table.add([
                definition.key.rawValue, definition.flag ?? "",
                definition.environmentNames.reversed().joined(separator: ", "),
                definition.fallback ?? definition.fallbackNote ?? "", definition.help,
            ])
        }
        return table.lines(width: width, style: style)
    }
}
