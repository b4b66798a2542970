// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// What the user is working on, for people.
package struct ContextReport: Sendable {
    private let entries: [StateMessage.ContextEntry]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ entries: [StateMessage.ContextEntry], width: Int?, style: TerminalStyle) {
        self.entries = entries
        self.width = width
        self.style = style
    }

    /// A line for each value; and for each key with several how one of them is chosen.
    package var lines: [String] {
        guard !entries.isEmpty else {
            return ["there is no context; kith context set KEY VALUE writes some, and so do programs through the node"]
        }
        var table = TextTable([
            .init("KEY", shrinks: true), .init("VALUE", shrinks: true), .init("BY", shrinks: true),
            .init("AT", shrinks: true), .init("WRITTEN"),
        ])
        for entry in entries {
            for value in entry.values {
                table.add([
                    entry.key, ContextValueText.text(value.value), value.sourceName ?? value.source, value.node,
                    TimeText.minute(value.writtenAt),
                ])
            }
        }
        let conflicts = entries.filter(\.isConflict)
        let rows = table.lines(width: width, style: style)
        return conflicts.isEmpty ? rows : rows + [""] + conflicts.map { style.red(Self.advice($0)) }
    }

    /// A value in full, line by line.
    package static func full(_ value: StateMessage.ContextValue) -> [String] {
        ContextValueText.text(value.value).split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0).printable }
    }

    /// `by vscode at desk, 2026-03-01 12:00 UTC`.
    package static func origin(_ value: StateMessage.ContextValue) -> String {
        let writer = value.sourceName ?? value.source
        let place = writer == value.node ? "" : " at \(value.node)"
        return "by \(writer)\(place), \(TimeText.minute(value.writtenAt))".printable
    }

    static func advice(_ entry: StateMessage.ContextEntry) -> String {
        "CONFLICT: \(entry.key) has \(entry.values.count) values, written by those who did not know of each other; "
            .printable
            + "choose one for all devices: kith context set \(ShellWord.quoted(entry.key).printable) VALUE"
    }

    /// After a value was written.
    package static func written(_ entry: StateMessage.ContextEntry) -> [String] {
        let value = entry.values.first.map { ContextValueText.text($0.value) } ?? ""
        let line = "\(entry.key) is \(value)".printable
        return entry.isConflict ? [line, advice(entry)] : [line]
    }

    /// After keys were removed.
    package static func removed(_ keys: [String]) -> [String] {
        guard !keys.isEmpty else { return ["there was no context"] }
        let names = keys.count > 20 ? "\(keys.count) keys" : keys.joined(separator: ", ")
        return ["removed \(names), here and on all your devices".printable]
    }
}
