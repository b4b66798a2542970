// SPDX-License-Identifier: Apache-2.0

import KithModel

/// A question and what was answered, ready to be kept.
struct Exchange: Sendable {
    let session: SessionID
    let question: ConversationTurn
    let answer: ConversationTurn
    let outcome: InteractionOutcome

    init(
        session: SessionID, user: String, assistant: String, outcome: InteractionOutcome, model: ModelID?,
        node: NodeName?, usage: TokenUsage?, time: WallTime, limits: StoreLimits
    ) {
        self.session = session
        self.outcome = outcome
        question = ConversationTurn(role: .user, text: KeptText(user, limit: limits.text).value, time: time)
        answer = ConversationTurn(
            role: .assistant,
            text: KeptText(assistant, limit: limits.text).value,
            time: time,
            model: model.map { ModelID(KeptText($0.rawValue, limit: StoreLimits.modelName).value) },
            node: node,
            // The counts come from other machines.
            tokens: usage.map {
                TokenUsage(promptTokens: max(0, $0.promptTokens), completionTokens: max(0, $0.completionTokens))
            })
    }

    /// An exchange that broke before its first word is not kept: the user asks again, and then the question would stand
    /// in the history twice, with nothing between.
    var isKept: Bool { outcome == .completed || !answer.text.isEmpty }
}
