// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Yams

/// Reads `engines`: in YAML a list whose entries are kinds, or kinds with what is to be known of them; in the environment the
/// same in JSON.
struct EngineList {
    /// Why it cannot be used, naming the entry; never holds a key.
    struct Fault: Error {
        var words: String
    }

    /// All local engines that are found, at the place where it stands.
    static let automatic = "auto"
    private static let limit = 32
    fileprivate static let modelLimit = 64
    private static let fields = ["kind", "address", "key", "slots", "model", "models", "context_length"]
    private static let kinds = [automatic] + EngineKind.allCases.map(\.rawValue)

    private(set) var engines: [ListedEngine] = []
    /// Before how many of the engines those stand that are found; `nil` where they are not wanted.
    private(set) var automaticPlace: Int?

    init(_ text: String) throws(Fault) {
        guard let entries = JSONValue(json: text)?.arrayValue else {
            throw Fault(words: "it is not a list")
        }
        guard entries.count <= Self.limit else { throw Fault(words: "it holds more than \(Self.limit) engines") }
        for (place, entry) in entries.enumerated() {
            do throws(Fault) {
                if let engine = try Self.read(entry) {
                    engines.append(engine)
                } else if automaticPlace == nil {
                    automaticPlace = engines.count
                }
            } catch {
                throw Fault(words: "engine \(place + 1): \(error.words)")
            }
        }
    }

    /// - Returns: `nil` for `auto`.
    private static func read(_ entry: JSONValue) throws(Fault) -> ListedEngine? {
        if let kind = entry.stringValue { return try known(kind).map { ListedEngine(kind: $0) } }
        guard var object = entry.objectValue else { throw Fault(words: "it is neither a kind nor a group of settings") }
        for name in object.keys where object[name]?.isNull == true { object.removeValue(forKey: name) }
        for name in object.keys where !fields.contains(name) {
            let near = NameSuggestion.nearest(to: name, among: fields, limit: 3).map { "; did you mean \($0)?" } ?? ""
            throw Fault(words: "a field of it is none of \(fields.joined(separator: ", "))\(near)")
        }
        guard let name = object["kind"]?.stringValue else {
            throw Fault(words: "'kind' is missing: one of \(kinds.joined(separator: ", "))")
        }
        guard let kind = try known(name) else {
            guard object.keys.count == 1 else { throw Fault(words: "'auto' takes nothing else") }
            return nil
        }
        var engine = ListedEngine(kind: kind)
        engine.address = try address(object["address"], of: kind)
        if let key = object["key"] {
            guard let text = key.stringValue, !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw Fault(words: "'key' is not printable text without spaces")
            }
            engine.key = try secret(text)
        }
        if engine.address != nil, ![.ollama, .openAI, .anthropic].contains(kind) {
            throw Fault(words: "'address' is not for \(kind.rawValue): it runs here")
        }
        if engine.key != nil, ![.openAI, .anthropic].contains(kind) {
            throw Fault(words: "'key' is not for \(kind.rawValue)")
        }
        let unused =
            kind == .anthropic ? ["slots", "context_length"] : [.echo, .count].contains(kind) ? ["model"] : []
        if let name = unused.first(where: { object[$0] != nil }) {
            throw Fault(words: "'\(name)' is not for \(kind.rawValue)")
        }
        engine.slots = try number(object["slots"], "slots", 1...1_024)
        engine.contextLength = try number(object["context_length"], "context_length", 256...16_777_216)
        if let model = object["model"] {
            guard let text = model.stringValue, !text.isEmpty else { throw Fault(words: "'model' is not a name") }
            engine.model = text
        }
        if let models = object["models"] {
            let names = models.stringValue.map { [$0] } ?? models.arrayValue?.compactMap(\.stringValue) ?? []
            guard !names.isEmpty, !names.contains(""), models.arrayValue.map({ $0.count == names.count }) ?? true else {
                throw Fault(words: "'models' is not a list of names")
            }
            guard names.count <= Self.modelLimit else {
                throw Fault(words: "'models' holds more than \(Self.modelLimit) names")
            }
            engine.models = names.map { ModelPattern($0) }
        }
        if let model = engine.model, !engine.models.isEmpty,
            !engine.models.contains(where: { $0.matches(ModelID(model)) })
        {
            throw Fault(words: "its 'model' is none of its 'models'")
        }
        return engine
    }

    private static func known(_ name: String) throws(Fault) -> EngineKind? {
        if name.lowercased() == automatic { return nil }
        guard let kind = EngineKind(rawValue: name.lowercased()) else {
            // Whatever stands there may be a key at the wrong place.
            let near = NameSuggestion.nearest(to: name, among: kinds, limit: 3).map { "; did you mean \($0)?" } ?? ""
            throw Fault(words: "its kind is none of \(kinds.joined(separator: ", "))\(near)")
        }
        return kind
    }

    private static func address(_ value: JSONValue?, of kind: EngineKind) throws(Fault) -> HTTPAddress? {
        guard let value else { return nil }
        let text = value.stringValue ?? ""
        let address = kind == .ollama ? HTTPAddress.ofOllama(text) : HTTPAddress(text)
        guard var address else { throw Fault(words: "'address' is not one such as http://127.0.0.1:8000/v1") }
        if kind == .openAI, address.basePath.isEmpty || address.basePath == "/" { address.basePath = "/v1" }
        return address
    }

    private static func number(
        _ value: JSONValue?, _ name: String, _ range: ClosedRange<Int>
    ) throws(Fault) -> Int? {
        guard let value else { return nil }
        guard let number = value.intValue ?? value.stringValue.flatMap({ Int($0) }), range.contains(number) else {
            throw Fault(words: "'\(name)' is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func secret(_ text: String) throws(Fault) -> SecretSetting {
        guard VaultReference.isMeant(by: text) else { return .value(Secret(text)) }
        do {
            return .vault(try VaultReference(text))
        } catch {
            throw Fault(words: "its key: a secret in Vault \(error)")
        }
    }
}

extension JSONValue {
    /// What stands in YAML, with every scalar as text. Below `depth`, and beyond one more than there may be, nothing is read.
    init(_ node: Yams.Node, depth: Int = 3) {
        let limit = EngineList.modelLimit + 1
        switch node {
        case .scalar(let scalar) where scalar.style == .plain && ["", "~", "null"].contains(scalar.string): self = .null
        case .scalar(let scalar): self = .string(scalar.string)
        case .sequence(let items) where depth > 0:
            self = .array(items.prefix(limit).map { JSONValue($0, depth: depth - 1) })
        case .mapping(let entries) where depth > 0:
            var object: JSONObject = [:]
            for (name, value) in entries.prefix(limit) {
                object[name.scalar?.string ?? "?"] = JSONValue(value, depth: depth - 1)
            }
            self = .object(object)
        default: self = .array([])
        }
    }

    fileprivate var isNull: Bool { if case .null = self { true } else { false } }
}
