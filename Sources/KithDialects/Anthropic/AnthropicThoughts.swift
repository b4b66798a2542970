// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The thoughts of an answer as they have to go back: whole blocks, each with its signature.
struct AnthropicThoughts: Sendable {
    /// Bytes of all thoughts of an answer; a block beyond is not kept, and cannot go back.
    private static let limit = 4 << 20

    private var size = 0
    private var text = ""
    private var signature = ""
    private var hidden: String?
    private var isOpen = false

    mutating func begin(signature: String? = nil, hidden: String? = nil) {
        (text, self.signature, self.hidden, isOpen) = ("", "", nil, true)
        sign(signature)
        guard let hidden, isRoom(for: hidden) else { return }
        self.hidden = hidden
    }

    mutating func add(_ words: String) {
        guard isOpen, isRoom(for: words) else { return }
        text += words
    }

    mutating func sign(_ piece: String?) {
        guard isOpen, let piece, isRoom(for: piece) else { return }
        signature += piece
    }

    /// The end of the current block of the answer.
    ///
    /// - Returns: `nil` when it holds no thoughts, or none that the engine would take back.
    mutating func end() -> JSONValue? {
        guard isOpen else { return nil }
        isOpen = false
        if let hidden { return ["type": "redacted_thinking", "data": .string(hidden)] }
        guard !signature.isEmpty else { return nil }
        return ["type": "thinking", "thinking": .string(text), "signature": .string(signature)]
    }

    private mutating func isRoom(for words: String) -> Bool {
        size += words.utf8.count
        if size > Self.limit { isOpen = false }
        return isOpen
    }
}
