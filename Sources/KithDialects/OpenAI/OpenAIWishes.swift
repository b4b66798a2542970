// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What clients of OpenAI's dialect may wish for, and not every engine has a word for.
extension ChatRequest {
    /// Whether the probabilities of tokens are wanted, by `logprobs`: a switch with chats, a number with completions.
    package var wantsLogProbabilities: Bool {
        switch extensions["logprobs"] {
        case .bool(let isWanted)?: isWanted
        case let count?: (count.intValue ?? 0) > 0
        case nil: false
        }
    }

    /// - Throws: `ChatError` with `unsupported` when more than one answer is wanted.
    package func refuseSeveralChoices(for engine: String) throws(ChatError) {
        guard (sampling.choices ?? 1) == 1 else {
            throw ChatError(.unsupported, "\(engine) gives one answer at a time: 'n' must be 1", field: "n")
        }
    }

    /// - Throws: `ChatError` with `unsupported` when the probabilities of tokens are wanted.
    package func refuseLogProbabilities(for engine: String) throws(ChatError) {
        guard !wantsLogProbabilities else {
            throw ChatError(.unsupported, "\(engine) gives no log probabilities", field: "logprobs")
        }
    }
}
