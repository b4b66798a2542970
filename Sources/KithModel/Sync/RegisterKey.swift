// SPDX-License-Identifier: Apache-2.0

/// One place of the shared state that holds a value.
package enum RegisterKey: Hashable, Sendable {
    /// What a source declares as its level.
    case level(StateSource)
    /// One key of what the user is working on, such as `branch` or `file`.
    case context(String)
    /// One sentence of the culture, under its own id.
    case insight(String)

    package enum Kind: UInt8, Sendable, CaseIterable {
        case level = 1
        case context = 2
        case insight = 3
    }

    /// Bytes of a context key or of an insight's id.
    package static let nameLimit = 128

    /// - Returns: `nil` when the name is not one of this kind.
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
        }
    }

    package var kind: Kind {
        switch self {
        case .level: .level
        case .context: .context
        case .insight: .insight
        }
    }

    /// What distinguishes it from others of its kind.
    package var name: String {
        switch self {
        case .level(let source): source.text
        case .context(let key): key
        case .insight(let id): id
        }
    }
}

extension RegisterKey: Comparable {
    package static func < (left: RegisterKey, right: RegisterKey) -> Bool {
        (left.kind.rawValue, left.name) < (right.kind.rawValue, right.name)
    }
}
