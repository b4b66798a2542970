// SPDX-License-Identifier: Apache-2.0

/// A true statement about the code that was given.
package struct Finding: Hashable, Sendable {
    /// How much it matters, the most first.
    package enum Weight: Int, Hashable, Sendable, Comparable {
        /// The code cannot be run as it stands.
        case broken
        /// It can do harm.
        case danger
        /// It hardly does what was meant.
        case fault
        /// It can be read wrong, or costs the next reader.
        case habit
        /// Worth knowing.
        case note

        package static func < (left: Weight, right: Weight) -> Bool { left.rawValue < right.rawValue }
    }

    /// Bytes of a statement.
    package static let textLimit = 300

    package var weight: Weight
    /// Counted from 1; 0 where it is about the whole.
    package var line: Int
    package var text: String

    init(_ weight: Weight, line: Int, _ text: String) {
        self.weight = weight
        self.line = line
        self.text = text.cut(toBytes: Self.textLimit)
    }

    /// One statement about all the lines; `nil` when there are none.
    init?(_ weight: Weight, lines: [Int], _ text: String) {
        guard let first = lines.first else { return nil }
        self.init(weight, line: first, "\(ShownText.leadingLines(lines)): \(text)")
    }
}

extension String {
    /// At most so many bytes, with an ellipsis where something was left out; never half a character.
    func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var kept = ""
        var room = limit - 3
        for character in self {
            room -= character.utf8.count
            guard room >= 0 else { break }
            kept.append(character)
        }
        return kept + "…"
    }
}
