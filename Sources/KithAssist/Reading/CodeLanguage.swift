// SPDX-License-Identifier: Apache-2.0

/// What code is written in, as far as the checks tell languages apart.
package enum CodeLanguage: String, Hashable, Sendable, CaseIterable {
    case python
    case javaScript = "javascript"
    case typeScript = "typescript"
    case swift
    /// C, C++ and Objective-C.
    case c
    /// Others with braces and C's comments: Java, C#, Go, Rust, Kotlin, Scala, Dart, PHP.
    case braces
    /// Anything else, of which no grammar is assumed.
    case other

    /// The first of these that tells counts: the client's word, the file's name, the code itself.
    package init(named name: String?, path: String?, code: some Collection<UInt8>) {
        let ending = path.flatMap(Self.ending)
        self = name.flatMap(Self.init(name:)) ?? ending.flatMap(Self.init(ending:)) ?? Self(guessedFrom: code)
    }

    /// As it stands in a sentence.
    package var words: String {
        switch self {
        case .python: "Python"
        case .javaScript: "JavaScript"
        case .typeScript: "TypeScript"
        case .swift: "Swift"
        case .c: "C"
        case .braces: "code with braces"
        case .other: "text"
        }
    }

    var isScript: Bool { self == .javaScript || self == .typeScript }

    /// As editors name languages.
    private init?(name: String) {
        switch name.lowercased() {
        case "python", "py", "python3": self = .python
        case "javascript", "js", "javascriptreact", "jsx", "node": self = .javaScript
        case "typescript", "ts", "typescriptreact", "tsx": self = .typeScript
        case "swift": self = .swift
        case "c", "cpp", "c++", "objective-c", "objective-cpp", "objc", "cuda-cpp": self = .c
        case "java", "csharp", "c#", "cs", "go", "golang", "rust", "kotlin", "scala", "dart", "php": self = .braces
        case "": return nil
        default: self = .other
        }
    }

    private init?(ending: String) {
        switch ending {
        case "py", "pyi", "pyw": self = .python
        case "js", "jsx", "mjs", "cjs": self = .javaScript
        case "ts", "tsx", "mts", "cts": self = .typeScript
        case "swift": self = .swift
        case "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "m", "mm": self = .c
        case "java", "cs", "go", "rs", "kt", "kts", "scala", "dart", "php": self = .braces
        default: self = .other
        }
    }

    private static func ending(of path: String) -> String? {
        guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/"), !path[dot...].contains("\\") else {
            return nil
        }
        let ending = path[path.index(after: dot)...]
        return ending.isEmpty || ending.utf8.count > 12 ? nil : ending.lowercased()
    }

    /// By words that begin lines in one language and hardly in another.
    private init(guessedFrom code: some Collection<UInt8>) {
        let text = String(decoding: code.prefix(4_096), as: UTF8.self)
        let lines = text.split(separator: "\n").prefix(100).map { $0.drop { $0 == " " || $0 == "\t" } }
        func count(_ beginnings: [String], ending: String = "") -> Int {
            lines.count { line in beginnings.contains { line.hasPrefix($0) } && line.hasSuffix(ending) }
        }
        let votes: [(CodeLanguage, Int)] = [
            (.python, count(["def ", "class ", "if ", "for ", "async def ", "elif ", "try", "with "], ending: ":")),
            (
                .swift,
                count(["func ", "let ", "guard ", "import Foundation", "extension ", "struct "])
                    - count(["let ", "func "], ending: ";")
            ),
            (
                .javaScript,
                count(["const ", "let ", "function ", "export ", "var "], ending: ";")
                    + count(["function ", "async function "], ending: "{") + count(["import "], ending: "';")
            ),
            (.c, 2 * count(["#include", "#define", "typedef ", "int main", "void ", "static "])),
            (
                .braces,
                2 * count(["package ", "public ", "private ", "fn ", "pub ", "impl ", "fun ", "<?php", "using "])
            ),
        ]
        let best = votes.max { $0.1 < $1.1 }
        self = best.flatMap { $0.1 > 0 ? $0.0 : nil } ?? .other
    }
}
