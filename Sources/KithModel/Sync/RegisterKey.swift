// SPDX-License-Identifier: Apache-2.0

/// One place of the shared state that holds a value.
package enum RegisterKey: Hashable, Sendable {
    /// What a source declares as its level.
    case level(StateSource)
    /// One key of what the user is working on, such as `branch` or `file`.
    case context(String)
    /// One sentence of the culture, under its own id.
    case insight(String)
    /// What one node says of an alert.
    case alert(String)
    /// A time for which people are not told of some alerts, under its own id.
    case silence(String)

    package enum Kind: UInt8, Sendable, CaseIterable {
        case level = 1
        case context = 2
        case insight = 3
        case alert = 4
        case silence = 5
    }

    /// Bytes of a name of any kind but a level's.
    package static let nameLimit = 128

    /// - Returns: `nil` when the name is not valid for this kind.
    package init?(_ kind: Kind, name: String) {
        switch kind {
        case .level:
            guard let source = StateSource(name) else { return nil }
            self = .level(source)
        case .context:
            guard StateText.isName(name, limit: Self.nameLimit) else { return nil }
            self = .context(name)
        case .insight:
            guard StateText.isName(name, limit: Self.nameLimit) else { return nil }
            self = .insight(name)
        case .alert:
            guard StateText.isName(name, limit: Self.nameLimit) else { return nil }
            self = .alert(name)
        case .silence:
            guard StateText.isName(name, limit: Self.nameLimit) else { return nil }
            self = .silence(name)
        }
    }

    package var kind: Kind {
        switch self {
        case .level: .level
        case .context: .context
        case .insight: .insight
        case .alert: .alert
        case .silence: .silence
        }
    }

    /// What distinguishes it from others of its kind.
    package var name: String {
        switch self {
        case .level(let source): source.text
        case .context(let key): key
        case .insight(let id), .silence(let id): id
        case .alert(let name): name
        }
    }
}

extension RegisterKey: Comparable {
    package static func < (left: RegisterKey, right: RegisterKey) -> Bool {
        (left.kind.rawValue, left.name) < (right.kind.rawValue, right.name)
    }
}

/// Who declares a level or says what the user is working on: a node, or a client by the name it gives itself.
package enum StateSource: Hashable, Sendable {
    case node(NodeID)
    /// 1…``nameLimit`` bytes without control characters; never the written form of a node's id.
    case named(String)

    /// Bytes.
    package static let nameLimit = 128

    /// - Returns: `nil` when the text is neither an id nor a valid name.
    package init?(_ text: String) {
        if let id = NodeID(text) {
            self = .node(id)
        } else if StateText.isName(text, limit: Self.nameLimit) {
            self = .named(text)
        } else {
            return nil
        }
    }

    /// What ``init(_:)`` reads.
    package var text: String {
        switch self {
        case .node(let id): id.description
        case .named(let name): name
        }
    }
}

extension StateSource: Comparable {
    package static func < (left: StateSource, right: StateSource) -> Bool { left.text < right.text }
}

extension StateSource: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let source = StateSource(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not the name of a source")
        }
        self = source
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// What names in the shared state may look like.
package enum StateText {
    /// Whether the text has from one to `limit` bytes and no control characters.
    package static func isName(_ text: String, limit: Int) -> Bool {
        (1...limit).contains(text.utf8.count)
            && !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}
