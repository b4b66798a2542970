// SPDX-License-Identifier: Apache-2.0

import Foundation
import RawLiteral

/// A file as a browser gets it.
struct BundledFile {
    let name: String
    /// Of the answer's field `Content-Type`.
    let type: String
    var text: String

    /// Of the content; tells versions apart, and protects nothing: FNV-1a with 64 bits.
    var hash: String {
        let value = text.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// With the hash before the ending, so that browsers may keep it for good.
    var hashedName: String {
        let url = URL(filePath: name)
        return "\(url.deletingPathExtension().lastPathComponent)-\(hash).\(url.pathExtension)"
    }
}

/// The files as the text of a Swift program.
enum SwiftText {
    /// Leaves a file alone that holds it already, so that nothing is compiled again.
    static func write(_ files: [BundledFile], to output: URL) throws {
        let text = Data(source(files).utf8)
        if (try? Data(contentsOf: output)) == text { return }  // one that is not there is written
        try text.write(to: output, options: .atomic)
    }

    private static func source(_ files: [BundledFile]) -> String {
        """
        extension Page {
            static let bundled: [PageFile] = [
        \(files.map(literal).joined(separator: "\n"))
            ]
        }

        """
    }

    private static func literal(_ file: BundledFile) -> String {
        """
            PageFile(
            name: "\(file.name)", hashedName: "\(file.hashedName)", type: "\(file.type)", hash: "\(file.hash)",
            content: \(RawLiteral.of(file.text))),
        """
    }
}
