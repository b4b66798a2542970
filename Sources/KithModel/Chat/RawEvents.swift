// SPDX-License-Identifier: Apache-2.0

/// Pieces of an answer in the client's own dialect, to be passed on as they are.
package struct RawEvents: Hashable, Sendable {
    /// What else than text of the first choice is among the pieces.
    package struct Contents: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        // Computed, and not `[]`, since pieces are counted by the ten thousand a second.
        package static var none: Contents { Contents(rawValue: 0) }
        package static var toolCall: Contents { Contents(rawValue: 1) }
        package static var reasoning: Contents { Contents(rawValue: 2) }
        /// Something of a choice other than the first.
        package static var otherChoice: Contents { Contents(rawValue: 4) }
        package static var refusal: Contents { Contents(rawValue: 8) }
        package static var usage: Contents { Contents(rawValue: 16) }
    }

    /// Whole events, each `data: {…}` and a blank line; never `[DONE]`.
    package var bytes: [UInt8]
    /// Events that add something to the answer: about as many tokens.
    package var tokens: Int
    /// The text of the first choice, as JSON writes it between quotes.
    package var escapedText: [UInt8]
    package var contents: Contents
    /// Why the first choice ended, when one of the events says so.
    package var finish: FinishReason?

    package init(
        bytes: [UInt8] = [], tokens: Int = 0, escapedText: [UInt8] = [], contents: Contents = .none,
        finish: FinishReason? = nil
    ) {
        self.bytes = bytes
        self.tokens = tokens
        self.escapedText = escapedText
        self.contents = contents
        self.finish = finish
    }

    /// The text of the first choice.
    package var text: String {
        guard case .string(let text) = try? JSONValue(parsing: [0x22] + escapedText + [0x22]) else { return "" }
        return text
    }
}
