// SPDX-License-Identifier: Apache-2.0

import KithModel

extension PromptExcess {
    /// What stands before the length of the context, in the words of OpenAI, vLLM, SGLang, LM Studio, Anthropic and llama.cpp.
    private static let beforeLimit = [
        "maximum context length is ", "maximum model length of ", "model's context length (", "context length of only ",
        " tokens > ", "available context size (",
    ]
    private static let beforeTokens = [
        "messages resulted in ", "prompt (length ", "The input (", "keep the first ", "prompt is too long: ",
        "request (",
    ]
    private static let afterTokens = [" in the messages", " input tokens"]

    /// How much too long an engine says that a prompt is.
    ///
    /// - Parameter words: One line, bounded.
    /// - Returns: `nil` when the words are about something else, or do not tell both lengths.
    init?(said words: String) {
        guard let limit = Self.beforeLimit.lazy.compactMap({ Self.number(after: $0, in: words) }).first else {
            return nil
        }
        let tokens =
            Self.beforeTokens.lazy.compactMap { Self.number(after: $0, in: words) }.first
            ?? Self.afterTokens.lazy.compactMap { Self.number(before: $0, in: words) }.first
        guard let tokens else { return nil }
        self.init(tokens: tokens, limit: limit)
    }

    private static func number(after mark: String, in words: String) -> Int? {
        guard let place = words.firstRange(of: mark) else { return nil }
        return Int(words[place.upperBound...].prefix(while: \.isNumber))
    }

    private static func number(before mark: String, in words: String) -> Int? {
        guard let place = words.firstRange(of: mark) else { return nil }
        return Int(String(words[..<place.lowerBound].reversed().prefix(while: \.isNumber).reversed()))
    }
}
