// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Answers the last user message word for word, or a completion's prompt.
///
/// A last assistant message that is the beginning of that answer is continued.
package struct EchoEngine: TestEngine {
    package let setup: TestEngineSetup

    package init(setup: TestEngineSetup = TestEngineSetup()) { self.setup = setup }

    package var kind: EngineKind { .echo }

    package func script(for request: ChatRequest) -> TestScript {
        TestScript(
            tokens: Words.split(Self.text(for: request)), limit: request.tokenLimit(default: .max),
            stop: request.sampling.stop)
    }

    private static func text(for request: ChatRequest) -> String {
        guard request.kind == .chat else { return request.messages.last?.content.text ?? "" }
        let whole = request.messages.last { $0.role == .user }?.content.text ?? ""
        guard let last = request.messages.last, last.role == .assistant else { return whole }
        let begun = last.content.text.utf8
        guard whole.utf8.starts(with: begun) else { return whole }
        return String(decoding: whole.utf8.dropFirst(begun.count), as: UTF8.self)
    }
}

/// Cuts text into words without losing a byte.
enum Words {
    /// Each word with the whitespace that follows it; leading whitespace belongs to the first. Joined they are `text`.
    static func split(_ text: some StringProtocol) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var hasLetters = false
        var wasSpace = false
        for scalar in text.unicodeScalars {
            let isSpace = scalar.properties.isWhitespace
            if wasSpace, !isSpace, hasLetters {
                words.append(String(word))
                word = String.UnicodeScalarView()
            }
            word.append(scalar)
            hasLetters = hasLetters || !isSpace
            wasSpace = isSpace
        }
        if !word.isEmpty { words.append(String(word)) }
        return words
    }

    static func count(in text: String) -> Int {
        var count = 0
        var inWord = false
        for scalar in text.unicodeScalars {
            let isSpace = scalar.properties.isWhitespace
            if !isSpace, !inWord { count += 1 }
            inWord = !isSpace
        }
        return count
    }
}
