// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a client has been given of an answer, and how another engine is asked for the rest: a pure value.
package struct AnswerProgress: Sendable {
    package enum Rest: Sendable {
        case ask(ChatRequest)
        /// Nothing: only the end is missing.
        case nothing(FinishReason, TokenUsage)
        /// Nobody can go on, and why in one sentence.
        case impossible(String)
    }

    /// Bytes of text that are kept; a longer answer cannot be gone on with.
    package static let limit = AnswerCollector.limit

    private let request: ChatRequest
    private var begun = BegunAnswer(text: "", tokens: 0)
    /// Where the engine that answers now went on; `nil` for the first.
    private var resumedFrom: BegunAnswer?
    private var isTooLong = false
    private var hasToolCalls = false

    package init(of request: ChatRequest) { self.request = request }

    /// Tokens that the client has, as far as that is known: an engine gives a piece for each.
    package var tokens: Int { begun.tokens }

    /// What the client sees instead of `event`, which is the next of whoever answers now.
    package mutating func take(_ event: ChatEvent) -> ChatEvent {
        switch event {
        case .waiting: break
        case .delta(let delta): note(delta)
        case .finished(let finish, let usage):
            if let resumedFrom { return .finished(finish, usage.following(resumedFrom)) }
        }
        return event
    }

    private mutating func note(_ delta: ChatDelta) {
        if delta.toolCalls != nil { hasToolCalls = true }
        begun.tokens += 1
        guard request.mayContinue, !isTooLong else { return }
        if begun.text.utf8.count + delta.text.utf8.count > Self.limit {
            isTooLong = true
            begun.text = ""
        } else {
            begun.text += delta.text
        }
    }

    /// What is to be asked of the next engine, which takes over.
    package mutating func handOver() -> Rest {
        let rest = rest
        if case .ask = rest { resumedFrom = begun }
        return rest
    }

    /// What is left to be asked for.
    package var rest: Rest {
        if !request.mayContinue { return .impossible("going on elsewhere is switched off") }
        if hasToolCalls { return .impossible("a tool call had begun") }
        if isTooLong { return .impossible("the answer is too long to be gone on with elsewhere") }
        var rest = request
        rest.verbatim = nil
        rest.begun = begun.tokens == 0 ? nil : begun
        if let limit = request.sampling.maxTokens {
            guard limit > begun.tokens else {
                return .nothing(
                    .length,
                    TokenUsage(promptTokens: request.estimatedPromptTokens, completionTokens: begun.tokens))
            }
            rest.sampling.maxTokens = limit - begun.tokens
        }
        return .ask(rest)
    }
}
