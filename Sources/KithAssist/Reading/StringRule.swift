// SPDX-License-Identifier: Apache-2.0

/// How a string that begins at some place ends.
struct StringRule: Sendable {
    /// Bytes before the contents.
    var opening: Int
    var closing: [UInt8]
    var spansLines = false
    /// Whether a backslash escapes the next byte.
    var escapes = true
    /// Swift's number signs.
    var hashes = 0
    /// What opens code within the string.
    private var interrupter: [UInt8] = []

    /// - Parameter prefix: The letters that stand right before the quote, where the language has such prefixes.
    /// - Returns: `nil` when no string begins here.
    init?(at place: Int, in bytes: [UInt8], language: CodeLanguage, prefix: ArraySlice<UInt8> = []) {
        let quote = bytes[place]
        let isTriple =
            place + 2 < bytes.count && bytes[place + 1] == quote && bytes[place + 2] == quote && language != .c
        let double = UInt8(ascii: "\"")
        switch (language, quote) {
        case (.python, double), (.python, UInt8(ascii: "'")):
            guard prefix.count <= 2, prefix.allSatisfy({ "rRbBfFuUtT".utf8.contains($0) }) else { return nil }
            self.init(quote, triple: isTriple)
        case (.javaScript, double), (.javaScript, UInt8(ascii: "'")), (.typeScript, double),
            (.typeScript, UInt8(ascii: "'")):
            self.init(quote)
        case (.javaScript, UInt8(ascii: "`")), (.typeScript, UInt8(ascii: "`")):
            self.init(quote)
            spansLines = true
            interrupter = Array("${".utf8)
        case (.swift, double):
            self.init(quote, triple: isTriple)
            interrupter = Array("\\(".utf8)
        case (.swift, UInt8(ascii: "#")): self.init(rawSwiftAt: place, in: bytes)
        case (.c, double):
            if prefix.last == UInt8(ascii: "R") {
                self.init(rawCAt: place, in: bytes)
            } else {
                self.init(quote)
            }
        case (.braces, double): self.init(quote, triple: isTriple)
        case (.braces, UInt8(ascii: "`")):
            self.init(quote)
            spansLines = true
            escapes = false
        default: return nil
        }
    }

    private init(_ quote: UInt8, triple: Bool = false) {
        closing = [UInt8](repeating: quote, count: triple ? 3 : 1)
        opening = closing.count
        spansLines = triple
    }

    /// `#"…"#` and its relatives.
    private init?(rawSwiftAt place: Int, in bytes: [UInt8]) {
        let double = UInt8(ascii: "\"")
        let rest = bytes[place...].prefix(16)
        guard let quote = rest.firstIndex(where: { $0 != UInt8(ascii: "#") }), bytes[quote] == double else {
            return nil
        }
        let isTriple = quote + 2 < bytes.count && bytes[quote + 1] == double && bytes[quote + 2] == double
        hashes = quote - place
        let marks = [UInt8](repeating: UInt8(ascii: "#"), count: hashes)
        closing = [UInt8](repeating: double, count: isTriple ? 3 : 1) + marks
        opening = closing.count
        spansLines = isTriple
        interrupter = [UInt8(ascii: "\\")] + marks + [UInt8(ascii: "(")]
    }

    /// `R"delimiter(…)delimiter"`.
    private init?(rawCAt place: Int, in bytes: [UInt8]) {
        let delimiter = bytes[(place + 1)...].prefix(17).prefix { $0 != UInt8(ascii: "(") }
        guard delimiter.count <= 16, delimiter.endIndex < bytes.count else { return nil }
        closing = [UInt8(ascii: ")")] + delimiter + [UInt8(ascii: "\"")]
        opening = delimiter.count + 2
        spansLines = true
        escapes = false
    }

    func closes(at place: Int, in bytes: [UInt8]) -> Bool { Self.stands(closing, at: place, in: bytes) }

    /// - Returns: The bracket that ends the code which begins here; `nil` when none does.
    func interruption(at place: Int, in bytes: [UInt8]) -> UInt8? {
        guard let opener = interrupter.last, Self.stands(interrupter, at: place, in: bytes) else { return nil }
        return opener == UInt8(ascii: "(") ? UInt8(ascii: ")") : UInt8(ascii: "}")
    }

    private static func stands(_ text: [UInt8], at place: Int, in bytes: [UInt8]) -> Bool {
        bytes[place] == text.first && place + text.count <= bytes.count
            && bytes[place..<place + text.count].elementsEqual(text)
    }
}
