// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What `kith ask` sends, in OpenAI's form.
package struct AskRequest: Sendable, Encodable {
    private struct Message: Encodable {
        var role = "user"
        var content: String
    }

    private struct StreamOptions: Encodable {
        var includeUsage = true

        private enum CodingKeys: String, CodingKey { case includeUsage = "include_usage" }
    }

    package var prompt: String
    package var model: String?
    package var maxTokens: Int?
    package var temperature: Double?

    package init(prompt: String, model: String? = nil, maxTokens: Int? = nil, temperature: Double? = nil) {
        self.prompt = prompt
        self.model = model
        self.maxTokens = maxTokens
        self.temperature = temperature
    }

    private enum CodingKeys: String, CodingKey {
        case model, messages, stream, temperature
        case streamOptions = "stream_options"
        case maxTokens = "max_tokens"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(model ?? "auto", forKey: .model)
        try container.encode([Message(content: prompt)], forKey: .messages)
        try container.encode(true, forKey: .stream)
        try container.encode(StreamOptions(), forKey: .streamOptions)
        try container.encodeIfPresent(maxTokens, forKey: .maxTokens)
        try container.encodeIfPresent(temperature, forKey: .temperature)
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
