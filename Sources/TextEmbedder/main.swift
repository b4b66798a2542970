// SPDX-License-Identifier: Apache-2.0
//
// Called by the build plugin: TextEmbedder OUTPUT.swift TEXT…

import Foundation

/// A file of text as a raw literal, whose marks are longer than any in it.
func literal(_ path: String) throws -> String {
    let url = URL(filePath: path)
    let text = try String(contentsOf: url, encoding: .utf8)
    var (longest, current) = (0, 0)
    for byte in text.utf8 {
        current = byte == UInt8(ascii: "#") ? current + 1 : 0
        longest = max(longest, current)
    }
    let marks = String(repeating: "#", count: longest + 1)
    return """
            static let \(url.deletingPathExtension().lastPathComponent) = \(marks)\"""
        \(text)
        \"""\(marks)
        """
}

do {
    let (output, texts) = (CommandLine.arguments[1], CommandLine.arguments.dropFirst(2))
    let source = "enum EmbeddedText {\n" + (try texts.map(literal)).joined(separator: "\n") + "\n}\n"
    try Data(source.utf8).write(to: URL(filePath: output), options: .atomic)
} catch {
    print("error: a text cannot be embedded: \(error)")
    exit(1)
}
