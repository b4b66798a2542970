// SPDX-License-Identifier: Apache-2.0

import KithModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What `kith ask` and `kith chat` send, in OpenAI's form.
package struct AskRequest: Sendable, Encodable {
    /// What was said in a conversation.
    package enum Turn: Hashable, Sendable {
        case system(String)
        case user(Question)
        case assistant(String)
    }

    package var turns: [Turn]
    package var model: String?
    package var maxTokens: Int?
    package var temperature: Double?

    package init(turns: [Turn], model: String? = nil, maxTokens: Int? = nil, temperature: Double? = nil) {
        self.turns = turns
        self.model = model
        self.maxTokens = maxTokens
        self.temperature = temperature
    }

    private struct StreamOptions: Encodable {
        var includeUsage = true

        private enum CodingKeys: String, CodingKey { case includeUsage = "include_usage" }
    }

    private enum CodingKeys: String, CodingKey {
        case model, messages, stream, temperature
        case streamOptions = "stream_options"
        case maxTokens = "max_tokens"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(model ?? "auto", forKey: .model)
        try container.encode(turns.map(\.message), forKey: .messages)
        try container.encode(true, forKey: .stream)
        try container.encode(StreamOptions(), forKey: .streamOptions)
        try container.encodeIfPresent(maxTokens, forKey: .maxTokens)
        try container.encodeIfPresent(temperature, forKey: .temperature)
    }
}

extension AskRequest.Turn {
    fileprivate var message: JSONValue {
        switch self {
        case .system(let text): ["role": "system", "content": .string(text)]
        case .assistant(let text): ["role": "assistant", "content": .string(text)]
        case .user(let question):
            ["role": "user", "content": question.pictures.isEmpty ? .string(question.text) : .array(question.parts)]
        }
    }
}

extension Picture {
    /// A `data:` address (RFC 2397).
    package var dataAddress: String { "data:\(type);base64,\(Data(bytes).base64EncodedString())" }
}

extension Question {
    fileprivate var parts: [JSONValue] {
        let words: [JSONValue] = text.isEmpty ? [] : [["type": "text", "text": .string(text)]]
        return words
            + pictures.map { picture -> JSONValue in
                ["type": "image_url", "image_url": ["url": .string(picture.dataAddress)]]
            }
    }
}

/// The header `x-kith-timeout`, as nodes read it.
package enum AskDeadline {
    /// - Parameter seconds: From 0.001 to 86400.
    /// - Returns: Digits and three decimals, rounded up: never an exponent.
    package static func text(_ seconds: Double) -> String {
        let milliseconds = Int(min(max((seconds * 1_000).rounded(.up), 1), 86_400_000))
        let part = String(milliseconds % 1_000)
        return "\(milliseconds / 1_000)." + String(repeating: "0", count: 3 - part.count) + part
    }
}
