// SPDX-License-Identifier: Apache-2.0

/// Reads the string values out of JSON that a model wrote and that may break off: whole strings only, and no keys.
struct JSONTexts {
    private static let countLimit = 64

    private let characters: [Character]
    private var index = 0

    init(_ text: Substring) { characters = Array(text.unicodeScalars.map { Character($0) }) }

    mutating func values() -> [String] {
        var values: [String] = []
        while index < characters.count, values.count < Self.countLimit {
            guard characters[index] == "\"" else {
                index += 1
                continue
            }
            guard let text = string() else { break }
            let next = characters[index...].first { !$0.isWhitespace }
            if next != ":" { values.append(text) }
        }
        return values
    }

    /// - Returns: `nil` when the text ends before the string does.
    private mutating func string() -> String? {
        var text = ""
        index += 1
        while index < characters.count {
            let character = characters[index]
            index += 1
            if character == "\"" { return text }
            guard character == "\\" else {
                text.append(character)
                continue
            }
            guard index < characters.count else { return nil }
            let escape = characters[index]
            index += 1
            switch escape {
            case "n", "r", "t", "b", "f": text.append(" ")
            case "u":
                let code = UInt32(String(characters[index...].prefix(4)), radix: 16)
                index = min(index + 4, characters.count)
                text.unicodeScalars.append(code.flatMap(Unicode.Scalar.init) ?? "\u{FFFD}")
            default: text.append(escape)
            }
        }
        return nil
    }
}
