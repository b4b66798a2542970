// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What an answer cost the engine that gave it, as far as it said.
package struct EngineCost: Hashable, Sendable {
    /// How long the request held its slot; `nil` where only the whole time is known, its wait for a slot included.
    package var engineTime: Duration?
    package var promptTokens: Int?
    package var answerTokens: Int?

    package static let unknown = EngineCost()

    package init(engineTime: Duration? = nil, promptTokens: Int? = nil, answerTokens: Int? = nil) {
        self.engineTime = engineTime
        self.promptTokens = promptTokens
        self.answerTokens = answerTokens
    }

    /// Engines that do not count the prompt say 0.
    package init(_ usage: TokenUsage) {
        engineTime = usage.engineTime
        promptTokens = usage.promptTokens > 0 ? usage.promptTokens : nil
        answerTokens = usage.completionTokens
    }

    package init(_ answer: VerbatimAnswer) {
        let usage = VerbatimUsage(endOf: answer.body)
        self.init(engineTime: answer.engineTime, promptTokens: usage.promptTokens, answerTokens: usage.answerTokens)
    }
}
