// SPDX-License-Identifier: Apache-2.0

/// How tokens are chosen; `nil` leaves the engine's own default.
package struct SamplingOptions: Hashable, Sendable, Codable {
    /// Under which name OpenAI's clients give ``maxTokens``; engines take one or the other, some only one of them.
    package enum LimitName: String, Hashable, Sendable, Codable, CaseIterable {
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
    }

    /// At most this many tokens are made.
    package var maxTokens: Int?
    /// The name that the client used; `nil` when it said nothing.
    package var limitName: LimitName?
    /// OpenAI's scale: 0…2; not checked.
    package var temperature: Double?
    /// 0…1; not checked.
    package var topP: Double?
    package var seed: Int64?
    package var stop: [String]
    package var frequencyPenalty: Double?
    package var presencePenalty: Double?
    /// How many answers are wanted, OpenAI's `n`; `nil` stands for one.
    package var choices: Int?

    package init(
        maxTokens: Int? = nil, temperature: Double? = nil, topP: Double? = nil, seed: Int64? = nil, stop: [String] = [],
        frequencyPenalty: Double? = nil, presencePenalty: Double? = nil
    ) {
        self.maxTokens = maxTokens
        self.temperature = temperature
        self.topP = topP
        self.seed = seed
        self.stop = stop
        self.frequencyPenalty = frequencyPenalty
        self.presencePenalty = presencePenalty
    }
}
