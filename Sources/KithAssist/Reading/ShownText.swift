// SPDX-License-Identifier: Apache-2.0

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
