// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// What the user is working on, for people.
package struct ContextReport: TextReport, Sendable {
    private let entries: [StateMessage.ContextEntry]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ entries: [StateMessage.ContextEntry], width: Int?, style: TerminalStyle) {
        self.entries = entries
        self.width = width
        self.style = style
    }

    /// A line for each value; and for each key with several values, how to choose one.
    package var lines: [String] {
        guard !entries.isEmpty else {
            return ["there is no context; kith context set KEY VALUE writes some, and so do programs through the node"]
        }
        var table = TextTable([
            .init("KEY", .first), .init("VALUE", .needed, least: 24), .init("BY", .useful, least: 12),
            .init("AT", .extra, least: 12), .init("WRITTEN", .extra),
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

    /// The lines after a value was written.
    package static func written(_ entry: StateMessage.ContextEntry) -> [String] {
        let value = entry.values.first.map { ContextValueText.text($0.value) } ?? ""
        let line = "\(entry.key) is \(value)".printable
        return entry.isConflict ? [line, advice(entry)] : [line]
    }

    /// The lines after keys were removed.
    package static func removed(_ keys: [String]) -> [String] {
        guard !keys.isEmpty else { return ["there was no context"] }
        let names = keys.count > 20 ? "\(keys.count) keys" : keys.joined(separator: ", ")
        return ["removed \(names), here and on all your devices".printable]
    }
}

/// Values of the context as people type and read them.
package enum ContextValueText {
    /// An object, an array, a number, `true` or `false` where the text is such JSON; else the text as it stands.
    package static func value(_ text: String) -> JSONValue {
        switch JSONValue(json: text) {
        case nil, .null, .string: .string(text)
        case .numeral(let number) where number.doubleValue == nil: .string(text)
        case let value?: value
        }
    }

    /// A string without quotes, everything else as JSON.
    package static func text(_ value: JSONValue) -> String {
        if case .string(let text) = value { return text }
        return value.jsonText ?? "?"
    }
}

/// Finds what has changed between two looks at the context, so that nothing is missed between two connections either.
package struct ContextWatch: Sendable {
    package struct Change: Encodable, Hashable, Sendable {
        package var key: String
        package var isRemoved: Bool
        /// Missing when the key was removed.
        package var entry: StateMessage.ContextEntry?

        private enum CodingKeys: String, CodingKey {
            case key, entry
            case isRemoved = "removed"
        }
    }

    private var known: [String: StateMessage.ContextEntry]?

    package init() {}

    /// - Returns: What has changed since the last look, by key; nothing for the first look.
    package mutating func take(_ entries: [StateMessage.ContextEntry]) -> [Change] {
        let now = Dictionary(entries.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        defer { known = now }
        guard let known else { return [] }
        let keys = Set(known.keys).union(now.keys).filter { known[$0] != now[$0] }
        return keys.sorted().map { Change(key: $0, isRemoved: now[$0] == nil, entry: now[$0]) }
    }

    /// Looks at one key.
    ///
    /// - Returns: The change since the last look; `nil` when there is none.
    package mutating func take(_ key: String, _ entry: StateMessage.ContextEntry?) -> Change? {
        guard known?[key] != entry else { return nil }
        known?[key] = entry
        return Change(key: key, isRemoved: entry == nil, entry: entry)
    }

    /// Which keys the node's events are about; `nil` when there are too many to be looked at one by one.
    package static func keys(in events: [ServerSentEvent]) -> [String]? {
        var keys: [String] = []
        for event in events {
            guard let key = JSONValue(json: event.data)?["key"]?.stringValue else { return nil }
            if !keys.contains(key) { keys.append(key) }
            if keys.count > 16 { return nil }
        }
        return keys
    }
}

extension ContextWatch.Change {
    /// For people.
    package func line(style: TerminalStyle) -> String {
        guard let entry else { return "\(key) removed".printable }
        let values = entry.values.map { value in
            "\(ContextValueText.text(value.value)) \(style.dim("(\(ContextReport.origin(value)))"))"
        }
        guard entry.isConflict else { return key.printable + " = " + values.joined() }
        return style.red(key.printable + " CONFLICT") + " = " + values.joined(separator: " or ")
    }
}
