// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithModel

/// What nodes say to each other for company, in the words of the seed's `/api/generate`. Both are made only of what a
/// guard has let through.
enum ConverseMessage {
    struct Question: Codable {
        var prompt: String
        var temperature: Double?
        var max_tokens: Int?

        init(_ question: Shareable<PeerQuestion>) {
            prompt = question.value.prompt
            temperature = question.value.temperature
            max_tokens = question.value.maxTokens
        }

        var meaning: PeerQuestion {
            PeerQuestion(
                prompt: prompt, temperature: temperature ?? CompanionPrompts.openingTemperature,
                maxTokens: max_tokens ?? CompanionPrompts.openingTokens)
        }
    }

    struct Answer: Codable {
        var response: String
        var success = true

        init(_ answer: Shareable<PeerAnswer>) { response = answer.value.response }
    }
}
