// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The settings of one source, checked against the table of settings.
struct SettingLayer: Sendable {
    struct Entry: Sendable {
        var content: SettingContent
        var place: SettingPlace
    }

    let name: String
    private(set) var entries: [SettingKey: Entry] = [:]

    init(name: String) { self.name = name }

    /// Takes the text of a setting; a blank text leaves the setting as if it were not there.
    mutating func set(
        _ definition: SettingDefinition, to text: String, at place: SettingPlace
    ) throws(SettingError) {
        guard text.contains(where: { !$0.isWhitespace }) else { return }
        guard let content = definition.kind.parse(text) else {
            throw SettingError(
                definition.key.rawValue, at: place,
                .unusable(value: definition.isSecret ? nil : text, expected: definition.kind.expectation))
        }
        entries[definition.key] = Entry(content: content, place: place)
    }
}

extension SettingLayer {
    static func flags(_ flags: [SettingKey: String]) throws(SettingError) -> SettingLayer {
        var layer = SettingLayer(name: "flags")
        for definition in SettingDefinition.all {
            guard let text = flags[definition.key] else { continue }
            try layer.set(definition, to: text, at: .flag(definition.flag ?? definition.key.rawValue))
        }
        return layer
    }

    /// Names that do not begin with `KITH_` may belong to other programs, so unknown ones are ignored.
    static func environment(_ environment: [String: String]) throws(SettingError) -> SettingLayer {
        for name in environment.keys.sorted() where name.hasPrefix("KITH_") {
            guard SettingDefinition.byEnvironmentName[name] == nil else { continue }
            let suggestion = NameSuggestion.nearest(
                to: name, among: SettingDefinition.byEnvironmentName.keys.sorted(), limit: 4)
            throw SettingError(name, at: .environment(name), .unknown(suggestion: suggestion))
        }
        var layer = SettingLayer(name: "environment")
        for definition in SettingDefinition.all {
            for name in definition.environmentNames.reversed() {
                guard let text = environment[name] else { continue }
                try layer.set(definition, to: text, at: .environment(name))
            }
        }
        return layer
    }

    static func environmentFile(_ file: SettingSources.File) throws(SettingError) -> SettingLayer {
        var found: [String: EnvironmentFile.Assignment] = [:]
        for assignment in EnvironmentFile(file.text).assignments {
            let place = SettingPlace.environmentFile(assignment.name, path: file.path, line: assignment.line)
            try check(assignment.name, at: place)
            found[assignment.name] = assignment
        }
        var layer = SettingLayer(name: ".env")
        for definition in SettingDefinition.all {
            for name in definition.environmentNames.reversed() {
                guard let assignment = found[name] else { continue }
                let place = SettingPlace.environmentFile(name, path: file.path, line: assignment.line)
                try definition.mustStandInFiles(name, at: place)
                try layer.set(definition, to: assignment.value, at: place)
            }
        }
        return layer
    }

    /// Names of other programs are ignored, unless they look like a misspelt name of kith's.
    private static func check(_ name: String, at place: SettingPlace) throws(SettingError) {
        guard SettingDefinition.byEnvironmentName[name] == nil else { return }
        let isOwn = name.hasPrefix("KITH_")
        let suggestion = NameSuggestion.nearest(
            to: name, among: SettingDefinition.byEnvironmentName.keys.sorted(), limit: isOwn ? 4 : 2)
        guard isOwn || suggestion != nil else { return }
        throw SettingError(name, at: place, .unknown(suggestion: suggestion))
    }
}

extension SettingDefinition {
    func mustStandInFiles(_ name: String, at place: SettingPlace) throws(SettingError) {
        guard case .environment = reach else { return }
        let instead = [flag, environmentNames.first].compactMap(\.self).joined(separator: " or ")
        throw SettingError(name, at: place, .notInFiles(instead: instead))
    }
}

/// The assignments of a `.env` file: `NAME=value` a line, with or without `export`, the value with or without quotes.
///
/// The last assignment of a name counts, as in a shell. A `#` after a space begins a comment, outside quotes.
struct EnvironmentFile: Sendable {
    struct Assignment: Hashable, Sendable {
        var name: String
        var value: String
        /// Counted from 1.
        var line: Int
    }

    private(set) var assignments: [Assignment] = []

    init(_ text: String) {
        for (offset, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            guard let (name, value) = Self.parse(line) else { continue }
            assignments.append(Assignment(name: name, value: value, line: offset + 1))
        }
    }

    private static func parse(_ line: Substring) -> (name: String, value: String)? {
        var line = trimmed(line)
        if line.hasPrefix("\u{FEFF}") { line = line.dropFirst() }
        guard !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { return nil }
        var name = trimmed(line[..<equals])
        if name.hasPrefix("export "), let space = name.firstIndex(of: " ") {
            name = trimmed(name[name.index(after: space)...])
        }
        guard !name.isEmpty else { return nil }
        return (String(name), value(trimmed(line[line.index(after: equals)...])))
    }

    private static func value(_ text: Substring) -> String {
        if let quote = text.first, quote == "\"" || quote == "'",
            let end = text.dropFirst().firstIndex(of: quote)
        {
            return String(text[text.index(after: text.startIndex)..<end])
        }
        var previous: Character = " "
        let bare = text.prefix { character in
            defer { previous = character }
            return !(character == "#" && (previous == " " || previous == "\t"))
        }
        return String(trimmed(bare))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}
