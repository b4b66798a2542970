// SPDX-License-Identifier: Apache-2.0

import OrderedCollections

/// The members of a JSON object in the order in which they were written.
///
/// If a name occurs twice, the last value counts. Objects with the same members are equal, in whatever order.
package struct JSONObject: Sendable {
    private var members: OrderedDictionary<String, JSONValue>

    package init() { members = [:] }

    package init(_ members: some Sequence<(String, JSONValue)>) {
        self.members = OrderedDictionary(members, uniquingKeysWith: { _, last in last })
    }

    /// In the order of the names, since a dictionary has none.
    package init(_ members: [String: JSONValue]) {
        self.init(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    package init(minimumCapacity: Int) { members = OrderedDictionary(minimumCapacity: minimumCapacity) }

    /// An existing member keeps its place; a new one goes to the end; `nil` removes a member.
    package subscript(key: String) -> JSONValue? {
        get { members[key] }
        set { members[key] = newValue }
    }

    package subscript(key: String, default fallback: @autoclosure () -> JSONValue) -> JSONValue {
        members[key] ?? fallback()
    }

    package var keys: [String] { Array(members.keys) }
    package var values: [JSONValue] { Array(members.values) }

    @discardableResult
    package mutating func removeValue(forKey key: String) -> JSONValue? { members.removeValue(forKey: key) }

    /// Puts a member before all others, or changes an existing one at its place.
    package mutating func updateFirst(_ value: JSONValue, forKey key: String) {
        members.updateValue(value, forKey: key, insertingAt: 0)
    }

    package mutating func merge(
        _ others: some Sequence<(key: String, value: JSONValue)>,
        uniquingKeysWith combine: (JSONValue, JSONValue) -> JSONValue
    ) {
        for (key, value) in others { members[key] = members[key].map { combine($0, value) } ?? value }
    }

    package func merging(
        _ others: some Sequence<(key: String, value: JSONValue)>,
        uniquingKeysWith combine: (JSONValue, JSONValue) -> JSONValue
    ) -> JSONObject {
        var merged = self
        merged.merge(others, uniquingKeysWith: combine)
        return merged
    }

    package func mapValues(_ transform: (JSONValue) throws -> JSONValue) rethrows -> JSONObject {
        var mapped = self
        for (index, value) in members.values.enumerated() { mapped.members.values[index] = try transform(value) }
        return mapped
    }

    package func filter(_ isIncluded: ((key: String, value: JSONValue)) throws -> Bool) rethrows -> JSONObject {
        var filtered = JSONObject()
        for member in self where try isIncluded(member) { filtered[member.key] = member.value }
        return filtered
    }
}

extension JSONObject: Collection {
    package typealias Element = (key: String, value: JSONValue)

    package var startIndex: Int { 0 }
    package var endIndex: Int { members.count }
    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }
    package func index(after index: Int) -> Int { index + 1 }
    package subscript(position: Int) -> Element { members.elements[position] }
}

extension JSONObject: Hashable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        return left.allSatisfy { right[$0.key] == $0.value }
    }

    package func hash(into hasher: inout Hasher) {
        var sum = 0
        for (key, value) in self {
            var member = Hasher()
            member.combine(key)
            member.combine(value)
            sum ^= member.finalize()
        }
        hasher.combine(sum)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
