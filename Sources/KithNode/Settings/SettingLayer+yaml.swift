// SPDX-License-Identifier: Apache-2.0

import KithModel
import Yams

extension SettingLayer {
    static func yaml(_ file: SettingSources.File) throws(SettingError) -> SettingLayer {
        var layer = SettingLayer(name: "kith.yaml")
        guard let root = try compose(file) else { return layer }
        if case .scalar(let scalar) = root, isNothing(scalar) { return layer }
        guard case .mapping(let mapping) = root else {
            throw SettingError(
                file.path, at: .yaml(path: file.path, line: root.mark?.line),
                .unreadable("it is not a list of settings such as \"port: 8080\""))
        }
        try layer.read(mapping, below: "", in: file)
        return layer
    }

    private static func compose(_ file: SettingSources.File) throws(SettingError) -> Yams.Node? {
        do {
            return try Yams.compose(yaml: file.text)
        } catch {
            let (line, reason) = explanation(of: error)
            throw SettingError(
                file.path, at: .yaml(path: file.path, line: line),
                .unreadable((line.map { "line \($0): " } ?? "") + reason))
        }
    }

    /// The parser's own words without its excerpt of the file, which may hold a key.
    private static func explanation(of error: any Error) -> (line: Int?, reason: String) {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            (mark.line, problem)
        case YamlError.duplicatedKeysInMapping(let names, let context):
            (context.mark.line, "\(names.prefix(1).joined()) stands there twice")
        default: (nil, "it is not YAML")
        }
    }

    private mutating func read(
        _ mapping: Yams.Node.Mapping, below parent: String, in file: SettingSources.File
    ) throws(SettingError) {
        for (keyNode, value) in mapping {
            let path = parent + (keyNode.scalar?.string ?? "?")
            let place = SettingPlace.yaml(path: file.path, line: keyNode.mark?.line)
            if let key = SettingKey(rawValue: path), let definition = SettingDefinition.byKey[key] {
                try definition.mustStandInFiles(path, at: place)
                try set(definition, to: try Self.text(of: value, for: definition, at: place), at: place)
            } else if let example = SettingKey.allCases.first(where: { $0.rawValue.hasPrefix(path + ".") }) {
                switch value {
                case .mapping(let group): try read(group, below: path + ".", in: file)
                case .scalar(let scalar) where Self.isNothing(scalar): continue
                default: throw SettingError(path, at: place, .group(example: example.rawValue))
                }
            } else {
                throw SettingError(path, at: place, .unknown(suggestion: Self.suggestion(for: path)))
            }
        }
    }

    private static func text(
        of node: Yams.Node, for definition: SettingDefinition, at place: SettingPlace
    ) throws(SettingError) -> String {
        switch (node, definition.kind) {
        case (.sequence, .engines):
            let text = String(decoding: JSONValue(node).jsonBytes, as: UTF8.self)
            do throws(EngineList.Fault) { _ = try EngineList(text) } catch {
                throw SettingError(definition.key.rawValue, at: place, .refused(error.words))
            }
            return text
        case (.scalar(let scalar), _): return isNothing(scalar) ? "" : scalar.string
        case (.sequence(let items), let kind) where kind.isSequence && items.allSatisfy({ $0.scalar != nil }):
            return items.compactMap(\.scalar?.string).joined(separator: ",")
        case (.mapping(let mapping), .alertNumbers):
            let entries = mapping.map { name, value in "\(name.scalar?.string ?? "")=\(value.scalar?.string ?? "")" }
            return entries.joined(separator: ",")
        case (.mapping(let mapping), .aliases):
            if let text = aliases(mapping) { return text }
            fallthrough
        default:
            throw SettingError(
                definition.key.rawValue, at: place,
                .unusable(value: nil, expected: definition.kind.expectation))
        }
    }

    /// - Returns: `nil` when a name is not valid, or would be taken for several.
    private static func aliases(_ mapping: Yams.Node.Mapping) -> String? {
        var entries: [String] = []
        for (name, value) in mapping {
            let models = value.scalar.map { [Optional($0.string)] } ?? value.sequence?.map(\.scalar?.string) ?? []
            let words = ([name.scalar?.string] + models).compactMap(\.self)
            guard words.count == models.count + 1, !models.isEmpty,
                words.allSatisfy({ word in !word.contains { ",|=".contains($0) } })
            else { return nil }
            entries.append("\(words[0])=\(words.dropFirst().joined(separator: "|"))")
        }
        return entries.joined(separator: ",")
    }

    private static func isNothing(_ scalar: Yams.Node.Scalar) -> Bool {
        scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
    }

    /// The nearest setting or group; or else the only setting with that last name, if it stands in the wrong group.
    private static func suggestion(for path: String) -> String? {
        let keys = SettingKey.allCases.map(\.rawValue)
        let groups = Set(
            keys.flatMap { key in
                let parts = key.split(separator: ".")
                return (1..<max(parts.count, 2)).map { parts.prefix($0).joined(separator: ".") }
            }
        ).sorted()
        if let near = NameSuggestion.nearest(to: path, among: keys + groups, limit: 3) { return near }
        let last = path.split(separator: ".").last.map(String.init) ?? path
        let same = keys.filter { $0.hasSuffix("." + last) }
        return same.count == 1 ? same.first : nil
    }
}
