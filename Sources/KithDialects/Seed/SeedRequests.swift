// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The body of `POST /api/generate`, as synth-mind's peers send it.
package struct SeedGenerateRequest: Decodable, Sendable {
    package static let defaultTemperature = 0.85
    package static let defaultMaxTokens = 150

    package var prompt: String
    package var temperature: Double
    package var maxTokens: Int
    /// Added by kith.
    package var model: ModelID?

    private enum CodingKeys: String, CodingKey {
        case prompt, temperature, model
        case maxTokens = "max_tokens"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        prompt = try container.decodeIfPresent(String.self, forKey: .prompt) ?? ""
        temperature = try container.decodeNumberIfPresent(Double.self, forKey: .temperature) ?? Self.defaultTemperature
        maxTokens = try container.decodeNumberIfPresent(Int.self, forKey: .maxTokens) ?? Self.defaultMaxTokens
        model = try OpenAIModelName.id(try container.decodeIfPresent(String.self, forKey: .model))
    }

    /// - Throws: `ChatError` in the seed's words for a missing prompt, and naming the field that is out of range.
    package func checked() throws -> SeedGenerateRequest {
        guard !prompt.allSatisfy(\.isWhitespace) else {
            throw ChatError(.malformedRequest, "No prompt provided", field: "prompt")
        }
        guard (0...2).contains(temperature) else {
            throw ChatError(.invalidRequest, "'temperature' must be between 0 and 2", field: "temperature")
        }
        guard maxTokens >= 1 else {
            throw ChatError(.invalidRequest, "'max_tokens' must be at least 1", field: "max_tokens")
        }
        return self
    }
}

/// The body of `POST /api/chat`.
package struct SeedChatRequest: Decodable, Sendable {
    package var message: String
    /// Added by kith: the conversation to continue; without it, a new one is begun.
    package var session: SessionID?
    package var model: ModelID?
    /// Added by kith: whether the engine is given what the node has learned from peers.
    package var usesCulture: Bool

    private enum CodingKeys: String, CodingKey {
        case message, session, model
        case usesCulture = "culture"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        message = try container.decodeIfPresent(String.self, forKey: .message) ?? ""
        model = try OpenAIModelName.id(try container.decodeIfPresent(String.self, forKey: .model))
        session = try SessionID.decode(from: container, forKey: .session)
        usesCulture = try container.decodeIfPresent(Bool.self, forKey: .usesCulture) ?? true
    }

    /// - Throws: `ChatError` in the seed's words for a missing message.
    package func checked() throws -> SeedChatRequest {
        guard !message.allSatisfy(\.isWhitespace) else {
            throw ChatError(.malformedRequest, "No message provided", field: "message")
        }
        return self
    }
}

/// The body of `POST /api/feedback`.
package struct SeedFeedbackRequest: Decodable, Sendable {
    package var session: SessionID?
    package var score: FeedbackScore
    package var comment: String?

    private enum CodingKeys: String, CodingKey { case session, score, comment }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard let number = try container.decodeNumberIfPresent(Double.self, forKey: .score) else {
            throw DecodingError.keyNotFound(
                CodingKeys.score, .init(codingPath: container.codingPath, debugDescription: "no score"))
        }
        guard let score = FeedbackScore(number) else {
            throw DecodingError.dataCorruptedError(
                forKey: .score, in: container, debugDescription: "-1 to 1")
        }
        self.score = score
        comment = try container.decodeIfPresent(String.self, forKey: .comment)
        session = try SessionID.decode(from: container, forKey: .session)
    }
}

extension SessionID {
    fileprivate static func decode<Key: CodingKey>(
        from container: KeyedDecodingContainer<Key>, forKey key: Key
    ) throws -> SessionID? {
        guard let text = try container.decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let session = SessionID(text) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: container, debugDescription: "not a session's name")
        }
        return session
    }
}
