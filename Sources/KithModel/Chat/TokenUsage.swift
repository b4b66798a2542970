// SPDX-License-Identifier: Apache-2.0

/// Tokens read and made, as the engine counted them.
package struct TokenUsage: Hashable, Sendable {
    package var promptTokens: Int
    package var completionTokens: Int
    /// How long the request held its slot of the engine, as the node that runs it reports; `nil` when it does not.
    package var engineTime: Duration?
    /// How much of that passed before the first token: the model was loaded if it was not, and the prompt read; `nil` when the
    /// node does not say, and for an answer that came in one piece.
    package var readTime: Duration?
    /// What else the engine counted, in its order: `prompt_tokens_details` and the like.
    package var details: JSONObject?

    package init(
        promptTokens: Int, completionTokens: Int, engineTime: Duration? = nil, readTime: Duration? = nil,
        details: JSONObject? = nil
    ) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        self.engineTime = engineTime
        self.readTime = readTime
        self.details = details
    }

    /// Reads OpenAI's `usage`, also with counts such as `3.0` or `null`; a value that is not a count becomes 0.
    package init(openAI usage: JSONObject) {
        let own: Set = ["prompt_tokens", "completion_tokens", "total_tokens"]
        promptTokens = Self.count(usage["prompt_tokens"])
        completionTokens = Self.count(usage["completion_tokens"])
        let rest = usage.filter { !own.contains($0.key) }
        details = rest.isEmpty ? nil : rest
    }

    /// Among the ``details``: how many of the prompt's tokens were written to a provider's cache. Anthropic's name for it.
    package static let keptTokens = "cache_creation_input_tokens"

    /// Saturates instead of trapping: the parts come from other machines.
    package var totalTokens: Int {
        let (sum, overflow) = promptTokens.addingReportingOverflow(completionTokens)
        return overflow ? .max : sum
    }

    /// As OpenAI's `usage`.
    package var openAI: JSONObject {
        var usage: JSONObject = [
            "prompt_tokens": .integer(Int64(promptTokens)), "completion_tokens": .integer(Int64(completionTokens)),
            "total_tokens": .integer(Int64(totalTokens)),
        ]
        for (key, value) in details ?? [:] { usage[key] = value }
        return usage
    }

    /// A number of tokens as engines write it; 0 for any other value.
    package static func count(_ value: JSONValue?) -> Int {
        guard let number = value?.doubleValue, (0..<9e18).contains(number) else { return 0 }
        return value?.intValue ?? Int(number)
    }
}

extension TokenUsage: Codable {
    private enum CodingKeys: String, CodingKey {
        case promptTokens, completionTokens, engineMilliseconds, readMilliseconds, details
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        promptTokens = try container.decode(Int.self, forKey: .promptTokens)
        completionTokens = try container.decode(Int.self, forKey: .completionTokens)
        // Only for choosing between nodes: a value that cannot be used counts as missing.
        func time(_ key: CodingKeys) -> Duration? {
            Duration(engineMilliseconds: try? container.decodeIfPresent(Double.self, forKey: key))
        }
        engineTime = time(.engineMilliseconds)
        readTime = time(.readMilliseconds)
        details = try container.decodeIfPresent(JSONObject.self, forKey: .details)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(promptTokens, forKey: .promptTokens)
        try container.encode(completionTokens, forKey: .completionTokens)
        try container.encodeIfPresent(engineTime?.milliseconds, forKey: .engineMilliseconds)
        try container.encodeIfPresent(readTime?.milliseconds, forKey: .readMilliseconds)
        try container.encodeIfPresent(details, forKey: .details)
    }
}

extension Duration {
    /// A time that another node says its engine took; `nil` for one that no engine takes: negative, over a day, no number.
    package init?(engineMilliseconds milliseconds: Double?) {
        guard let milliseconds, (0...86_400_000).contains(milliseconds) else { return nil }
        self = .milliseconds(milliseconds)
    }
}
