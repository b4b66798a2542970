// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node tells its owner about its conversations with peers.
package enum CompanionMessage {
    package struct Status: Codable, Sendable {
        /// `waiting`, `resting`, `talking`, `paused`, `budget-spent` or `held`.
        package var state: String
        /// What that means, in a sentence.
        package var detail: String
        package var idle_seconds: Double
        package var threshold_seconds: Double
        /// Until it may talk; left out if that depends on something else.
        package var wait_seconds: Double?
        package var talking_to: String?
        /// How a peer is chosen.
        package var choice: String
        /// Peers that can be talked to now.
        package var peers: Int
        package var exchanges_today: Int
        package var exchange_limit: Int
        package var tokens_today: Int
        package var token_limit: Int
        /// Of live insights, and of those that wait for the owner.
        package var insights: Int
        package var insights_waiting: Int
        package var recent: [Exchange]
        /// What the owner should know of the last conversations.
        package var note: String?

        package init(
            state: String, detail: String, idle_seconds: Double, threshold_seconds: Double, wait_seconds: Double?,
            talking_to: String?, choice: String, peers: Int, exchanges_today: Int, exchange_limit: Int,
            tokens_today: Int, token_limit: Int, insights: Int, insights_waiting: Int, recent: [Exchange],
            note: String? = nil
        ) {
            self.note = note
            self.state = state
            self.detail = detail
            self.idle_seconds = idle_seconds
            self.threshold_seconds = threshold_seconds
            self.wait_seconds = wait_seconds
            self.talking_to = talking_to
            self.choice = choice
            self.peers = peers
            self.exchanges_today = exchanges_today
            self.exchange_limit = exchange_limit
            self.tokens_today = tokens_today
            self.token_limit = token_limit
            self.insights = insights
            self.insights_waiting = insights_waiting
            self.recent = recent
        }
    }

    package struct Exchange: Codable, Hashable, Sendable {
        package var id: String
        package var at: String
        package var peer: String
        package var tier: String
        package var topic: String
        /// `learned`, `reinforced`, `quarantined`, `nothing`, `failed` or `refused`.
        package var outcome: String
        /// Why nothing came of it.
        package var note: String?
        /// The insight's id.
        package var insight: String?
        package var seconds: Double
        package var tokens: Int

        package init(_ record: ExchangeRecord) {
            id = record.id.rawValue
            at = record.at.rfc3339
            peer = record.peer
            tier = record.tier.rawValue
            topic = record.topic
            outcome = record.outcome.rawValue
            note = record.note
            insight = record.insight?.rawValue
            seconds = Double(record.duration.wholeMilliseconds) / 1_000
            tokens = record.tokens
        }
    }

    package struct Exchanges: Codable, Sendable {
        package var exchanges: [Exchange]

        package init(exchanges: [Exchange]) { self.exchanges = exchanges }
    }

    /// The result of a conversation that was asked for.
    package struct Talk: Codable, Sendable {
        /// Left out when there was nobody to talk to.
        package var exchange: Exchange?
        package var text: String?

        package init(exchange: Exchange?, text: String?) {
            self.exchange = exchange
            self.text = text
        }
    }

    package struct PauseRequest: Codable, Sendable {
        package var paused: Bool

        package init(paused: Bool) { self.paused = paused }
    }

    package struct Refusal: Codable, Hashable, Sendable {
        package var at: String
        package var peer: String
        package var reason: String
        /// The reason in a sentence.
        package var detail: String
        /// What was not sent.
        package var text: String

        package init(_ record: RefusalRecord) {
            at = record.at.rfc3339
            peer = record.peer
            reason = record.reason.rawValue
            detail = SharingRefusal(record.reason).description
            text = record.text
        }
    }

    package struct Refusals: Codable, Sendable {
        /// Of all that are kept, by reason.
        package var counts: [String: Int]
        package var refusals: [Refusal]

        package init(counts: [String: Int], refusals: [Refusal]) {
            self.counts = counts
            self.refusals = refusals
        }
    }

    package struct Reputation: Codable, Hashable, Sendable {
        /// A node's id, or an address.
        package var key: String
        package var name: String
        /// 0…1; 0.5 for a peer about which nothing is known.
        package var score: Double
        package var exchanges: Int
        package var successes: Int
        /// The average of its answers.
        package var latency_ms: Double?
        /// Until when it is left alone.
        package var paused_until: String?
        package var last: String

        package init(
            key: String, name: String, score: Double, exchanges: Int, successes: Int, latency_ms: Double?,
            paused_until: String?, last: String
        ) {
            self.key = key
            self.name = name
            self.score = score
            self.exchanges = exchanges
            self.successes = successes
            self.latency_ms = latency_ms
            self.paused_until = paused_until
            self.last = last
        }
    }

    package struct Reputations: Codable, Sendable {
        package var peers: [Reputation]

        package init(peers: [Reputation]) { self.peers = peers }
    }
}
