// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel

/// The answer to `POST /api/generate`; the keys after `success` are kith's.
struct SeedGenerateAnswer: Encodable {
    struct Usage: Encodable {
        var prompt_tokens: Int
        var completion_tokens: Int
    }

    var response: String
    var success = true
    var model: String
    var route: String
    var usage: Usage
    var finish_reason: FinishReason
    /// The limit that was used, when the one asked for was above the model's.
    var max_tokens_clamped_to: Int?
}

/// The answer to a peer that has asked enough for now.
struct SeedRateLimit: Encodable {
    var error = "Rate limit exceeded"
    /// In seconds.
    var retry_after: Int
    /// Questions in an hour.
    var limit: Int
    var success = false
}

/// The answer to `POST /api/chat`; `session` and what follows are kith's.
struct SeedChatAnswer: Encodable {
    struct State: Encodable {
        var valence: Double
        var mood_tags: [String]
        var turn_count: Int
    }

    var success = true
    var response: String
    var state: State
    var session: String
    var model: String
    var route: String
    /// What the engine was offered of the culture; left out when that was nothing.
    var insights: [Offered]?

    struct Offered: Encodable {
        var id: String
        var text: String

        init(_ insight: Insight) {
            id = insight.id.rawValue
            text = insight.text
        }
    }
}

/// The answer to `GET /api/state`.
struct SeedStateAnswer: Encodable {

    struct Peers: Encodable {
        var known: Int
        var up: Int
    }

    var timestamp: String
    var turn_count: Int
    var valence: Double
    var mood_tags: [String]
    var sessions: Int
    var sessions_completed: Int
    var node: String
    var level: Double
    var peers: Peers
    /// Left out by a node that keeps none.
    var culture: Culture?

    struct Culture: Encodable {
        var insights: Int
        var waiting: Int
    }
}

/// The answers below `/health`.
struct SeedHealthAnswer: Encodable {
    var status: String
    var timestamp: String
    var version: String?
    var checks: [String: Bool]?
    var reason: String?
}
