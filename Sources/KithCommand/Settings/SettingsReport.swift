// SPDX-License-Identifier: Apache-2.0

import KithNode

/// Settings, for people.
package enum SettingsReport {
    /// A table needs this many columns; narrower terminals get a paragraph for each setting.
    private static let tableWidth = 160

    /// - Parameters:
    ///   - word: Only settings with it in one of their names; `nil` for all.
    ///   - width: Columns of the terminal; `nil` cuts nothing.
    package static func lines(_ word: String? = nil, width: Int?, style: TerminalStyle) -> [String] {
        let definitions = SettingDefinition.all.filter { definition in
            word.map { word in names(of: definition).contains { $0.lowercased().contains(word.lowercased()) } } ?? true
        }
        guard let width, width < tableWidth else { return table(definitions, style) }
        return definitions.flatMap { paragraph($0, width: width, style: style) }
    }

    private static func names(of definition: SettingDefinition) -> [String] {
        [definition.key.rawValue] + [definition.flag].compactMap { $0 } + definition.environmentNames
    }

    private static func fallback(of definition: SettingDefinition) -> String {
        definition.fallback ?? definition.fallbackNote ?? ""
    }

    private static func table(_ definitions: [SettingDefinition], _ style: TerminalStyle) -> [String] {
        var table = TextTable([
            .init("SETTING", .first), .init("FLAG", .extra), .init("ENVIRONMENT", .extra, least: 16),
            .init("DEFAULT", .useful, least: 8), .init("WHAT IT DOES", .needed, least: 30),
        ])
        for definition in definitions {
            table.add([
                definition.key.rawValue, definition.flag ?? "",
                definition.environmentNames.reversed().joined(separator: ", "), fallback(of: definition),
                definition.help,
            ])
        }
        return table.lines(width: nil, style: style)
    }

    /// The name and its default, what it does, and its other names.
    private static func paragraph(_ definition: SettingDefinition, width: Int, style: TerminalStyle) -> [String] {
        let fallback = fallback(of: definition)
        let head = definition.key.rawValue + (fallback.isEmpty ? "" : "  (\(fallback))")
        let rest = [
            definition.help,
            ([definition.flag].compactMap { $0 } + definition.environmentNames.reversed()).joined(separator: ", "),
        ]
        let lines = head.wrapped(toWidth: max(20, width - 2)).enumerated().map { offset, line in
            let name = definition.key.rawValue
            return offset == 0 && line.hasPrefix(name) ? style.bold(name) + line.dropFirst(name.count) : "  " + line
        }
        return lines
            + rest.filter { !$0.isEmpty }.flatMap { $0.wrapped(toWidth: max(16, width - 4)) }
            .map { "    " + $0.truncated(toWidth: width - 4) }
    }
}
