// SPDX-License-Identifier: Apache-2.0
//
// Called by the build plugin: TextEmbedder OUTPUT.swift TEXT…

import Foundation
import RawLiteral

do {
    let (output, texts) = (CommandLine.arguments[1], CommandLine.arguments.dropFirst(2))
    let members = try texts.map { path in
        let url = URL(filePath: path)
        let name = url.deletingPathExtension().lastPathComponent
        return "    static let \(name) = " + RawLiteral.of(try String(contentsOf: url, encoding: .utf8))
    }
    let source = "enum EmbeddedText {\n" + members.joined(separator: "\n") + "\n}\n"
    try Data(source.utf8).write(to: URL(filePath: output), options: .atomic)
} catch {
    print("error: a text cannot be embedded: \(error)")
    exit(1)
}
