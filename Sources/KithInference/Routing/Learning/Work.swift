// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What a request asks of an engine, counted in tokens made, so that long and short requests can be compared.
package struct Work: Hashable, Sendable {
    /// Tokens of prompt that take as long as one that is made: engines read many at once and make one after another.
    /// llama.cpp on a processor reads about ten times as fast as it writes, on a graphics card up to a hundred times.
    package static let promptShare = 16.0
    /// What any request costs beside its tokens: a round trip to the engine, and the template.
    package static let overhead = 8.0
    /// No request is counted as more tokens; the counts come from other machines.
    package static let tokenLimit = 10_000_000

    package var tokens: Double

    package init(promptTokens: Int, answerTokens: Double) {
        let prompt = Double(min(max(0, promptTokens), Self.tokenLimit))
        tokens = Self.overhead + prompt / Self.promptShare + min(max(0, answerTokens), Double(Self.tokenLimit))
    }
}

/// What requests ask on the average: weighted means of what engines counted.
package struct MeanWork: Sendable {
    package static let weight = 0.05
    /// Assumed before anything was counted.
    package static let firstAnswer = 100.0

    package private(set) var answerTokens = MeanWork.firstAnswer
    package private(set) var tokens = Work(promptTokens: 0, answerTokens: MeanWork.firstAnswer).tokens

    package init() {}

    package mutating func served(_ work: Work, answerTokens made: Int) {
        let made = Double(min(max(0, made), Work.tokenLimit))
        answerTokens += (made - answerTokens) * Self.weight
        tokens += (work.tokens - tokens) * Self.weight
    }

    /// What a request is expected to ask.
    package func expected(of request: RouteRequest) -> Work {
        guard request.purpose == .chat else { return Work(promptTokens: request.tokens, answerTokens: 0) }
        let answer = request.maxTokens.map { min(answerTokens, Double(max(0, $0))) } ?? answerTokens
        return Work(promptTokens: request.tokens, answerTokens: answer)
    }
}
