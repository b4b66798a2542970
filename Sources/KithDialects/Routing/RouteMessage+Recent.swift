// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension RouteMessage {
    /// The answer to `GET /api/routes/recent`.
    package struct Recent: Codable, Hashable, Sendable {
        /// The newest first.
        package var requests: [Request]

        package init(requests: [Request]) { self.requests = requests }
    }

    /// One request and what became of it.
    package struct Request: Codable, Hashable, Sendable {
        package enum Outcome: String, Codable, Sendable {
            case completed, failed
            /// The client went before the end.
            case abandoned
        }

        package var id: String
        /// When it came, in RFC 3339's form.
        package var at: String
        package var secondsAgo: Double
        /// The model that was named; missing when the choice was left to the node.
        package var asked: String?
        /// Who was asked first; missing when nobody could be.
        package var node: String?
        package var model: String?
        package var reason: String?
        package var skipped: [Skip]
        package var continuations: [Continuation]
        package var outcome: Outcome
        /// Why it failed.
        package var failure: String?
        package var firstTokenMilliseconds: Double?
        package var durationMilliseconds: Double
        package var usage: Usage?
        package var tokensPerSecond: Double?

        package init(
            id: String, at: String, secondsAgo: Double, asked: String?, node: String?, model: String?, reason: String?,
            skipped: [Skip] = [], continuations: [Continuation] = [], outcome: Outcome, failure: String? = nil,
            firstTokenMilliseconds: Double? = nil, durationMilliseconds: Double, usage: Usage? = nil,
            tokensPerSecond: Double? = nil
        ) {
            self.id = id
            self.at = at
            self.secondsAgo = secondsAgo
            self.asked = asked
            self.node = node
            self.model = model
            self.reason = reason
            self.skipped = skipped
            self.continuations = continuations
            self.outcome = outcome
            self.failure = failure
            self.firstTokenMilliseconds = firstTokenMilliseconds
            self.durationMilliseconds = durationMilliseconds
            self.usage = usage
            self.tokensPerSecond = tokensPerSecond
        }

        private enum CodingKeys: String, CodingKey {
            case id, at, asked, node, model, reason, skipped, continuations, outcome, failure, usage
            case secondsAgo = "seconds_ago"
            case firstTokenMilliseconds = "first_token_ms"
            case durationMilliseconds = "duration_ms"
            case tokensPerSecond = "tokens_per_second"
        }
    }

    /// Another engine went on with the answer.
    package struct Continuation: Codable, Hashable, Sendable {
        package var node: String
        package var model: String
        /// Tokens that the client had by then.
        package var afterTokens: Int
        /// Why the one before did not go on.
        package var reason: String
        /// From the last token of the one to the first of the other.
        package var gapMilliseconds: Double

        package init(node: String, model: String, afterTokens: Int, reason: String, gapMilliseconds: Double) {
            self.node = node
            self.model = model
            self.afterTokens = afterTokens
            self.reason = reason
            self.gapMilliseconds = gapMilliseconds
        }

        private enum CodingKeys: String, CodingKey {
            case node, model, reason
            case afterTokens = "after_tokens"
            case gapMilliseconds = "gap_ms"
        }
    }

    /// As the engine counted.
    package struct Usage: Codable, Hashable, Sendable {
        package var promptTokens: Int
        package var completionTokens: Int

        package init(_ usage: TokenUsage) {
            promptTokens = usage.promptTokens
            completionTokens = usage.completionTokens
        }

        private enum CodingKeys: String, CodingKey {
            case promptTokens = "prompt_tokens"
            case completionTokens = "completion_tokens"
        }
    }
}
