// SPDX-License-Identifier: Apache-2.0

/// A true statement about the code that was given.
package struct Finding: Hashable, Sendable {
    /// How much it matters, the most first.
    package enum Weight: Int, Hashable, Sendable, Comparable {
        /// The code cannot be run as it stands.
        case broken
        /// It can do harm.
        case danger
        /// It probably does not do what was meant.
        case fault
        /// It can be misread, or costs the next reader time.
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

/// Pieces of the code, as they may stand in a sentence: short, and nothing that changes how the rest of it looks.
enum ShownText {
    /// Characters of a name.
    static let nameLimit = 40

    static func name(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(nameLimit).map { scalar -> Character in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: "?"
            default: Character(scalar)
            }
        }
        return String(shown) + (text.unicodeScalars.count > nameLimit ? "…" : "")
    }

    /// `line 3`, `lines 3 and 7`, `lines 3, 7, 9 and 4 more`.
    static func lines(_ lines: [Int]) -> String {
        var places: [Int] = []
        for line in lines where places.last != line { places.append(line) }
        switch places.count {
        case 0: return "no line"
        case 1: return "line \(places[0])"
        case 2...4:
            return "lines " + places.dropLast().map(String.init).joined(separator: ", ")
                + " and \(places[places.count - 1])"
        default:
            return "lines " + places.prefix(3).map(String.init).joined(separator: ", ")
                + " and \(places.count - 3) more"
        }
    }

    /// The same at the beginning of a sentence.
    static func leadingLines(_ lines: [Int]) -> String {
        let text = self.lines(lines)
        return text.prefix(1).uppercased() + text.dropFirst()
    }

    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
