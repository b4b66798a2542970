// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What somebody asks on the command line: words, what comes by a pipe, and files.
package struct Question: Hashable, Sendable {
    /// Stands for standard input among the words.
    package static let inputMark = "-"
    /// Bytes of text, all parts together.
    package static let longestText = 1_048_576
    /// Bytes of all pictures together, before they are encoded.
    package static let largestPictures = 16_777_216

    package var text: String
    package var pictures: [Picture] = []

    package init(text: String, pictures: [Picture] = []) {
        self.text = text
        self.pictures = pictures
    }

    /// - Parameters:
    ///   - words: As the shell gave them, quoted or not.
    ///   - input: What stands for ``inputMark``; all there is when there are no words.
    ///   - files: Text is told to the model with its file's name, in the order given.
    /// - Throws: ``CommandError`` with `usage` where there is no question, too much of it, or a file of another kind.
    package init(words: [String], input: String?, files: [AskedFile] = []) throws(CommandError) {
        var parts = words.filter { $0 != Self.inputMark }.isEmpty ? [] : [Self.joined(words, input)]
        if parts.isEmpty, let input { parts = [input] }
        var pictures: [Picture] = []
        for file in files {
            switch try file.content() {
            case .text(let text): parts.append("File \(file.name):\n\n\(text)")
            case .picture(let picture): pictures.append(picture)
            }
        }
        let text = parts.joined(separator: "\n\n")
        guard text.contains(where: { !$0.isWhitespace }) || !pictures.isEmpty else {
            throw CommandError(.usage, "there is no prompt; try kith ask why is the sky blue")
        }
        guard text.utf8.count <= Self.longestText else {
            throw CommandError(.usage, "the prompt is longer than \(Self.longestText) bytes, its files included")
        }
        guard pictures.reduce(0, { $0 + $1.bytes.count }) <= Self.largestPictures else {
            throw CommandError(.usage, "the pictures are larger than \(Self.largestPictures) bytes together")
        }
        self.init(text: text, pictures: pictures)
    }

    /// What comes by a pipe begins on a line of its own.
    private static func joined(_ words: [String], _ input: String?) -> String {
        var text = ""
        var isBehindInput = false
        for word in words {
            if word == inputMark {
                text += (text.isEmpty ? "" : "\n\n") + (input ?? "")
                isBehindInput = true
            } else {
                text += (text.isEmpty ? "" : isBehindInput ? "\n\n" : " ") + word
                isBehindInput = false
            }
        }
        return text
    }
}

/// A picture, as a model that sees takes it.
package struct Picture: Hashable, Sendable {
    /// `image/png` and the like.
    package var type: String
    package var bytes: [UInt8]

    /// - Returns: `nil` for what does not begin as one of the kinds do that engines read.
    package init?(_ bytes: [UInt8]) {
        func begins(_ mark: [UInt8], at place: Int = 0) -> Bool { bytes.dropFirst(place).starts(with: mark) }
        if begins([0x89, 0x50, 0x4E, 0x47]) {
            type = "image/png"
        } else if begins([0xFF, 0xD8, 0xFF]) {
            type = "image/jpeg"
        } else if begins(Array("GIF8".utf8)) {
            type = "image/gif"
        } else if begins(Array("RIFF".utf8)), begins(Array("WEBP".utf8), at: 8) {
            type = "image/webp"
        } else {
            return nil
        }
        self.bytes = bytes
    }
}

/// A file that was given with a question.
package struct AskedFile: Sendable {
    enum Content {
        case text(String)
        case picture(Picture)
    }

    package var name: String
    package var bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    func content() throws(CommandError) -> Content {
        if let picture = Picture(bytes) { return .picture(picture) }
        guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
            throw CommandError(
                .usage, "\(name.printable) is neither text nor a picture that models read (PNG, JPEG, GIF, WebP)")
        }
        return .text(text)
    }
}
