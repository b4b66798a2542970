// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

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

    /// - Returns: What is not as it was the last time, by key; nothing for the first look.
    package mutating func take(_ entries: [StateMessage.ContextEntry]) -> [Change] {
        let now = Dictionary(entries.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        defer { known = now }
        guard let known else { return [] }
        let keys = Set(known.keys).union(now.keys).filter { known[$0] != now[$0] }
        return keys.sorted().map { Change(key: $0, isRemoved: now[$0] == nil, entry: now[$0]) }
    }

    /// A look at one key.
    ///
    /// - Returns: What is not as it was the last time.
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
