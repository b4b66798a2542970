// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What becomes of an answer in a conversation that the node keeps, as the page follows it: server-sent events (WHATWG HTML,
/// 9.2), each with one JSON object.
package enum AnswerNews: Sendable {
    package struct Ending: Sendable {
        /// Why the engine ended, in OpenAI's words, or `stopped` when somebody stopped it.
        package var finish: String
        package var usage: TokenUsage?
        package var firstTokenMilliseconds: Double?
        package var tokensPerSecond: Double?
        /// Whether the conversation holds it now.
        package var isKept: Bool

        package init(
            finish: String, usage: TokenUsage? = nil, firstTokenMilliseconds: Double? = nil,
            tokensPerSecond: Double? = nil, isKept: Bool
        ) {
            self.finish = finish
            self.usage = usage
            self.firstTokenMilliseconds = firstTokenMilliseconds
            self.tokensPerSecond = tokensPerSecond
            self.isKept = isKept
        }
    }

    /// What was asked; only those who come later are told.
    case question(String, images: [String])
    /// What the answer waits for, in a few words.
    case waiting(String)
    /// Who answers, why, and whom the request passed over; the insights that the engine was given.
    case began(
        request: String, node: String?, model: String, reason: String?, skipped: [RouteMessage.Skip],
        insights: [(id: String, text: String)])
    case thought(String)
    case text(String)
    case continued(RouteMessage.Continuation)
    /// The end of a whole answer, or of one that was stopped.
    case done(Ending)
    /// The end of one that broke off.
    case error(String, code: String)

    package var event: String {
        switch self {
        case .question: "question"
        case .waiting: "waiting"
        case .began: "began"
        case .thought: "thought"
        case .text: "text"
        case .continued: "continued"
        case .done: "done"
        case .error: "error"
        }
    }

    package var bytes: [UInt8] {
        Array("event: \(event)\ndata: ".utf8) + JSONValue.object(fields).jsonBytes + Array("\n\n".utf8)
    }

    private var fields: JSONObject {
        switch self {
        case .question(let text, let images):
            var fields: JSONObject = ["message": .string(text)]
            if !images.isEmpty { fields["images"] = .array(images.map { .string($0) }) }
            return fields
        case .waiting(let words), .thought(let words), .text(let words): return ["text": .string(words)]
        case .began(let request, let node, let model, let reason, let skipped, let insights):
            var fields: JSONObject = ["request": .string(request), "model": .string(model)]
            fields["node"] = node.map { .string($0) }
            fields["reason"] = reason.map { .string($0) }
            fields["skipped"] = .array(
                skipped.map { .object(["node": .string($0.node), "reason": .string($0.reason)]) })
            fields["insights"] = .array(insights.map { .object(["id": .string($0.id), "text": .string($0.text)]) })
            return fields
        case .continued(let one):
            return [
                "node": .string(one.node), "model": .string(one.model),
                "after_tokens": .integer(Int64(one.afterTokens)),
                "reason": .string(one.reason), "gap_ms": .number(one.gapMilliseconds),
            ]
        case .done(let ending): return ending.fields
        case .error(let message, let code): return ["message": .string(message), "code": .string(code)]
        }
    }
}

extension AnswerNews.Ending {
    fileprivate var fields: JSONObject {
        var fields: JSONObject = ["finish": .string(finish), "kept": .bool(isKept)]
        fields["first_token_ms"] = firstTokenMilliseconds.map { .number($0) }
        fields["tokens_per_second"] = tokensPerSecond.map { .number($0) }
        if let usage {
            fields["usage"] = .object([
                "prompt_tokens": .integer(Int64(usage.promptTokens)),
                "completion_tokens": .integer(Int64(usage.completionTokens)),
            ])
        }
        return fields
    }
}

/// The body of `POST /api/sessions/{id}/messages`.
package struct SessionQuestion: Decodable, Sendable {
    private static let imageLimit = 8
    private static let imagePrefixes = [
        "data:image/png;base64,", "data:image/jpeg;base64,", "data:image/webp;base64,", "data:image/gif;base64,",
    ]

    package var message: String
    package var model: ModelID?
    package var node: NodeName?
    /// Each a `data:` address of a PNG, JPEG, WebP or GIF.
    package var images: [String]
    package var usesCulture: Bool

    private enum CodingKeys: String, CodingKey {
        case message, model, node, images
        case usesCulture = "culture"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        message = try container.decodeIfPresent(String.self, forKey: .message) ?? ""
        model = try OpenAIModelName.id(try container.decodeIfPresent(String.self, forKey: .model))
        node = try container.decodeIfPresent(String.self, forKey: .node).flatMap { NodeName($0) }
        images = try container.decodeIfPresent([String].self, forKey: .images) ?? []
        usesCulture = try container.decodeIfPresent(Bool.self, forKey: .usesCulture) ?? true
    }

    /// - Throws: `ChatError` for what cannot be asked.
    package func checked() throws(ChatError) -> SessionQuestion {
        guard !message.allSatisfy(\.isWhitespace) else {
            throw ChatError(.invalidRequest, "'message' is missing or empty", field: "message")
        }
        guard images.count <= Self.imageLimit else {
            throw ChatError(.invalidRequest, "at most \(Self.imageLimit) images go with a message", field: "images")
        }
        guard images.allSatisfy({ image in Self.imagePrefixes.contains { image.hasPrefix($0) } }) else {
            throw ChatError(
                .invalidRequest, "'images' must be data addresses of PNG, JPEG, WebP or GIF", field: "images")
        }
        return self
    }

    /// As the engine is asked it, in OpenAI's form.
    package var content: MessageContent {
        guard !images.isEmpty else { return .text(message) }
        return .parts(
            [.object(["type": "text", "text": .string(message)])]
                + images.map { .object(["type": "image_url", "image_url": .object(["url": .string($0)])]) })
    }
}
