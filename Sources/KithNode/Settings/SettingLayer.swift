// SPDX-License-Identifier: Apache-2.0

import Configuration

/// What one source says, checked against the table of settings.
struct SettingLayer: Sendable {
    struct Entry: Sendable {
        var content: ConfigContent
        var place: SettingPlace
    }

    let name: String
    private(set) var entries: [SettingKey: Entry] = [:]

    init(name: String) { self.name = name }

    /// Takes the text of a setting; a blank text leaves the setting as if it were not there.
    mutating func set(
        _ definition: SettingDefinition, to text: String, at place: SettingPlace
    ) throws(SettingProblem) {
        guard text.contains(where: { !$0.isWhitespace }) else { return }
        guard let content = definition.kind.parse(text) else {
            throw SettingProblem(
                definition.key.rawValue, at: place,
                .unusable(value: definition.isSecret ? nil : text, expected: definition.kind.expectation))
        }
        entries[definition.key] = Entry(content: content, place: place)
    }

    var provider: InMemoryProvider {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, entry) in entries {
            let isSecret = SettingDefinition.byKey[key]?.isSecret ?? true
            values[AbsoluteConfigKey(ConfigKey(key.rawValue))] = ConfigValue(entry.content, isSecret: isSecret)
        }
        return InMemoryProvider(name: name, values: values)
    }
}

extension SettingLayer {
    static func flags(_ flags: [SettingKey: String]) throws(SettingProblem) -> SettingLayer {
        var layer = SettingLayer(name: "flags")
        for definition in SettingDefinition.all {
            guard let text = flags[definition.key] else { continue }
            try layer.set(definition, to: text, at: .flag(definition.flag ?? definition.key.rawValue))
        }
        return layer
    }

    /// Names that do not begin with `KITH_` belong to everybody, so that unknown ones mean nothing.
    static func environment(_ environment: [String: String]) throws(SettingProblem) -> SettingLayer {
        for name in environment.keys.sorted() where name.hasPrefix("KITH_") {
            guard SettingDefinition.byEnvironmentName[name] == nil else { continue }
            let suggestion = NameSuggestion.nearest(
                to: name, among: SettingDefinition.byEnvironmentName.keys.sorted(), limit: 4)
            throw SettingProblem(name, at: .environment(name), .unknown(suggestion: suggestion))
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

    static func environmentFile(_ file: SettingSources.File) throws(SettingProblem) -> SettingLayer {
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

    /// A name of another program's is none of kith's business, unless it looks like one of kith's misspelt.
    private static func check(_ name: String, at place: SettingPlace) throws(SettingProblem) {
        guard SettingDefinition.byEnvironmentName[name] == nil else { return }
        let isOwn = name.hasPrefix("KITH_")
        let suggestion = NameSuggestion.nearest(
            to: name, among: SettingDefinition.byEnvironmentName.keys.sorted(), limit: isOwn ? 4 : 2)
        guard isOwn || suggestion != nil else { return }
        throw SettingProblem(name, at: place, .unknown(suggestion: suggestion))
    }
}

extension SettingDefinition {
    func mustStandInFiles(_ name: String, at place: SettingPlace) throws(SettingProblem) {
        guard case .environment = reach else { return }
        let instead = [flag, environmentNames.first].compactMap(\.self).joined(separator: " or ")
        throw SettingProblem(name, at: place, .notInFiles(instead: instead))
    }
}
