// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// One request and what became of it; holds nothing of what was said.
package struct RouteRecord: Sendable {
    package enum Outcome: Hashable, Sendable {
        case completed
        case failed(ChatFailure.Code)
        /// The client went before the end.
        case abandoned
    }

    /// Another engine went on with the answer.
    package struct Continuation: Hashable, Sendable {
        package var candidate: Candidate
        /// Why the engine before it did not.
        package var failure: ChatFailure.Code
        /// Tokens that the client had by then.
        package var tokens: Int
        /// From the last token of the one to the first of the other.
        package var gap: Duration

        package init(candidate: Candidate, failure: ChatFailure.Code, tokens: Int, gap: Duration) {
            self.candidate = candidate
            self.failure = failure
            self.tokens = tokens
            self.gap = gap
        }
    }

    package var id: RequestID
    package var at: WallTime
    /// What was asked for; `nil` for any.
    package var asked: ModelID?
    package var route: RouteReport
    package var continuations: [Continuation]
    package var outcome: Outcome
    /// From the request to the first token, or to the whole answer for one in a piece.
    package var firstToken: Duration?
    package var duration: Duration
    /// `nil` where the engine did not say.
    package var usage: TokenUsage?

    package init(
        id: RequestID, at: WallTime, asked: ModelID?, route: RouteReport, continuations: [Continuation] = [],
        outcome: Outcome, firstToken: Duration? = nil, duration: Duration, usage: TokenUsage? = nil
    ) {
        self.id = id
        self.at = at
        self.asked = asked
        self.route = route
        self.continuations = continuations
        self.outcome = outcome
        self.firstToken = firstToken
        self.duration = duration
        self.usage = usage
    }
}
