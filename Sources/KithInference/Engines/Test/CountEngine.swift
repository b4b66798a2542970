// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Counts "1 2 3 …" up to the token limit, 16 when none is given, and continues where a last assistant message, or a
/// completion's prompt, stops counting.
package struct CountEngine: TestEngine {
    package static let defaultLimit = 16

    package let setup: TestEngineSetup

    package init(setup: TestEngineSetup = TestEngineSetup()) { self.setup = setup }

    package var kind: EngineKind { .count }

    package func script(for request: ChatRequest) -> TestScript {
        var begun = ""
        if let last = request.messages.last, request.kind == .completion || last.role == .assistant {
            begun = last.content.text
        }
        let limit = request.tokenLimit(default: Self.defaultLimit)
        return TestScript(
            tokens: sequence(state: Counting(after: begun)) { $0.next() }, limit: limit, stop: request.sampling.stop)
    }
}

/// How far a count has come.
struct Counting: Sendable {
    private var number: Int
    /// What still comes before the next number: the rest of a number that was cut, or nothing.
    private var rest: String?
    private var needsSpace: Bool

    /// Finds the place that `text` has reached; text that does not end in a count begins a new one.
    init(after text: String) {
        let bytes = Array(text.utf8)
        let endsInSpace = bytes.last.map(Self.isSpace) ?? true
        let words = bytes.split(whereSeparator: Self.isSpace).suffix(2)
            .map { String(decoding: $0, as: UTF8.self) }
        guard let lastWord = words.last, let last = Self.number(lastWord) else {
            (number, rest, needsSpace) = (1, nil, false)
            return
        }
        needsSpace = !endsInSpace
        number = last + 1
        rest = nil
        // "9 1" is "9 10" cut in the middle: only the number before can tell.
        if !endsInSpace, words.count == 2, let before = Self.number(words[0]) {
            let expected = String(before + 1)
            if expected != lastWord, expected.hasPrefix(lastWord) {
                rest = String(expected.dropFirst(lastWord.count))
                number = before + 2
            }
        }
    }

    mutating func next() -> String? {
        if let rest {
            self.rest = nil
            return rest
        }
        defer {
            number += 1
            needsSpace = true
        }
        return needsSpace ? " \(number)" : "\(number)"
    }

    /// Numbers of more than 15 digits are not counts; the limit keeps the arithmetic from overflowing.
    private static func number(_ word: String) -> Int? {
        guard word.utf8.count <= 15, word.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(word)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
