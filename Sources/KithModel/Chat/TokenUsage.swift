// SPDX-License-Identifier: Apache-2.0

/// Tokens read and made, as the engine counted them.
package struct TokenUsage: Hashable, Sendable {
    package var promptTokens: Int
    package var completionTokens: Int
    /// How long the request held its slot of the engine, told by the node that runs it; `nil` when nobody did.
    package var engineTime: Duration?

    package init(promptTokens: Int, completionTokens: Int, engineTime: Duration? = nil) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        self.engineTime = engineTime
    }

    /// Saturates instead of trapping: the parts come from other machines.
    package var totalTokens: Int {
        let (sum, overflow) = promptTokens.addingReportingOverflow(completionTokens)
        return overflow ? .max : sum
    }
}

extension TokenUsage: Codable {
    private enum CodingKeys: String, CodingKey { case promptTokens, completionTokens, engineMilliseconds }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        promptTokens = try container.decode(Int.self, forKey: .promptTokens)
        completionTokens = try container.decode(Int.self, forKey: .completionTokens)
        // Only for choosing between nodes: what cannot be used is as good as not there.
        let milliseconds = try? container.decodeIfPresent(Double.self, forKey: .engineMilliseconds)
        engineTime = Duration(engineMilliseconds: milliseconds)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(promptTokens, forKey: .promptTokens)
        try container.encode(completionTokens, forKey: .completionTokens)
        try container.encodeIfPresent(engineTime?.milliseconds, forKey: .engineMilliseconds)
    }
}

extension Duration {
    /// A time that another node says its engine took; `nil` for one that no engine takes: negative, over a day, no number.
    package init?(engineMilliseconds milliseconds: Double?) {
        guard let milliseconds, (0...86_400_000).contains(milliseconds) else { return nil }
        self = .milliseconds(milliseconds)
    }
}
