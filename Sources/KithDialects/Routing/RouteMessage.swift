// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node says about where requests go, below `/api/routes`. The content of requests and answers is never part of it.
package enum RouteMessage {
    /// A node that was not asked, and why.
    package struct Skip: Codable, Hashable, Sendable {
        package var node: String
        package var reason: String

        package init(node: String, reason: String) {
            self.node = node
            self.reason = reason
        }
    }

    /// The answer to `POST /api/routes/explain`: where a request would go now.
    package struct Explanation: Codable, Hashable, Sendable {
        /// The model that was named; missing when the choice was left to the node.
        package var asked: String?
        /// Tokens of the prompt, roughly.
        package var promptTokens: Int
        /// The node that would be asked; missing when none can be.
        package var node: String?
        package var model: String?
        package var reason: String?
        /// What the client would be told when nobody can be asked.
        package var refusal: String?
        /// The best first.
        package var candidates: [Candidate]
        package var skipped: [Skip]

        package init(
            asked: String?, promptTokens: Int, node: String? = nil, model: String? = nil, reason: String? = nil,
            refusal: String? = nil, candidates: [Candidate], skipped: [Skip]
        ) {
            self.asked = asked
            self.promptTokens = promptTokens
            self.node = node
            self.model = model
            self.reason = reason
            self.refusal = refusal
            self.candidates = candidates
            self.skipped = skipped
        }

        private enum CodingKeys: String, CodingKey {
            case asked, node, model, reason, refusal, candidates, skipped
            case promptTokens = "prompt_tokens"
        }
    }

    /// A candidate that can be asked.
    package struct Candidate: Codable, Hashable, Sendable {
        package var node: String
        package var model: String
        /// Until the answer would be complete.
        package var waitMilliseconds: Double
        /// What candidates are ordered by: the wait, weighed.
        package var scoreMilliseconds: Double
        package var estimate: Estimate

        package init(
            node: String, model: String, waitMilliseconds: Double, scoreMilliseconds: Double, estimate: Estimate
        ) {
            self.node = node
            self.model = model
            self.waitMilliseconds = waitMilliseconds
            self.scoreMilliseconds = scoreMilliseconds
            self.estimate = estimate
        }

        private enum CodingKeys: String, CodingKey {
            case node, model, estimate
            case waitMilliseconds = "wait_ms"
            case scoreMilliseconds = "score_ms"
        }
    }

    /// The parts of a wait and a score.
    package struct Estimate: Codable, Hashable, Sendable {
        /// Requests running and waiting there.
        package var outstanding: Int
        package var slots: Int
        /// As learned; missing until there was something to learn from.
        package var tokensPerSecond: Double?
        package var queueMilliseconds: Double
        package var serviceMilliseconds: Double
        package var roundTripMilliseconds: Double
        package var coldLoadMilliseconds: Double
        /// The part that is left of the penalty for recent failures.
        package var penaltyMilliseconds: Double
        package var level: Double
        /// `closed`, `half-open` or `open`.
        package var breaker: String
        /// Blocks of the prompt's beginning that this candidate was the last to be sent.
        package var prefixBlocks: Int
        /// Of memory, that are missing to load the model; missing where it has room or nobody knows.
        package var missingMemoryBytes: Int?
        /// Whether the machine runs on a battery that is to be spared, which makes its score worse; missing where it does not.
        package var sparesBattery: Bool?

        package init(
            outstanding: Int, slots: Int, tokensPerSecond: Double?, queueMilliseconds: Double,
            serviceMilliseconds: Double, roundTripMilliseconds: Double, coldLoadMilliseconds: Double,
            penaltyMilliseconds: Double, level: Double, breaker: String, prefixBlocks: Int,
            missingMemoryBytes: Int? = nil, sparesBattery: Bool? = nil
        ) {
            self.outstanding = outstanding
            self.slots = slots
            self.tokensPerSecond = tokensPerSecond
            self.queueMilliseconds = queueMilliseconds
            self.serviceMilliseconds = serviceMilliseconds
            self.roundTripMilliseconds = roundTripMilliseconds
            self.coldLoadMilliseconds = coldLoadMilliseconds
            self.penaltyMilliseconds = penaltyMilliseconds
            self.level = level
            self.breaker = breaker
            self.prefixBlocks = prefixBlocks
            self.missingMemoryBytes = missingMemoryBytes
            self.sparesBattery = sparesBattery
        }

        private enum CodingKeys: String, CodingKey {
            case outstanding, slots, level, breaker
            case tokensPerSecond = "tokens_per_second"
            case queueMilliseconds = "queue_ms"
            case serviceMilliseconds = "service_ms"
            case roundTripMilliseconds = "round_trip_ms"
            case coldLoadMilliseconds = "cold_load_ms"
            case penaltyMilliseconds = "penalty_ms"
            case prefixBlocks = "prefix_blocks"
            case missingMemoryBytes = "missing_memory_bytes"
            case sparesBattery = "spares_battery"
        }
    }
}

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
            /// The client left before the end.
            case abandoned
        }

        package var id: String
        /// When it came, in RFC 3339's form.
        package var at: String
        package var secondsAgo: Double
        /// The model that was named; missing when the choice was left to the node.
        package var asked: String?
        /// The node that was asked first; missing when none could be.
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

    /// Another engine continued the answer.
    package struct Continuation: Codable, Hashable, Sendable {
        package var node: String
        package var model: String
        /// Tokens that the client had by then.
        package var afterTokens: Int
        /// Why the engine before it did not continue.
        package var reason: String
        /// From the last token of one engine to the first of the other.
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
