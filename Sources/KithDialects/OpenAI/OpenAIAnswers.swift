// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The body of a plain answer to `POST /v1/chat/completions`.
package struct OpenAIChatCompletion: Codable, Sendable {
    package struct Choice: Codable, Sendable {
        package var index: Int
        package var message: Message
        package var finishReason: String?

        private enum CodingKeys: String, CodingKey {
            case index, message
            case finishReason = "finish_reason"
        }
    }

    package struct Message: Codable, Sendable {
        package var role: String
        package var content: String?
        package var reasoning: String?
        package var toolCalls: JSONValue?

        private enum CodingKeys: String, CodingKey {
            case role, content
            case reasoning = "reasoning_content"
            case toolCalls = "tool_calls"
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(role, forKey: .role)
            try container.encode(content, forKey: .content)  // null stays: clients read the key
            try container.encodeIfPresent(reasoning, forKey: .reasoning)
            try container.encodeIfPresent(toolCalls, forKey: .toolCalls)
        }
    }

    package var id: String
    package var object: String
    package var created: Int
    package var model: String
    package var choices: [Choice]
    package var usage: OpenAIUsage?

    package init(header: OpenAIAnswerHeader, message: ChatDelta, finish: FinishReason, usage: TokenUsage) {
        id = header.id
        object = "chat.completion"
        created = header.created
        model = header.model
        let saysNothing = message.text.isEmpty && message.toolCalls != nil
        choices = [
            Choice(
                index: 0,
                message: Message(
                    role: "assistant", content: saysNothing ? nil : message.text, reasoning: message.reasoning,
                    toolCalls: message.toolCalls),
                finishReason: finish.rawValue)
        ]
        self.usage = OpenAIUsage(usage)
    }
}

/// The body of a plain answer to `POST /v1/completions`, and each event of a streamed one.
package struct OpenAITextCompletion: Codable, Sendable {
    package struct Choice: Codable, Sendable {
        package var index: Int
        package var text: String
        package var finishReason: String?

        private enum CodingKeys: String, CodingKey {
            case index, text
            case finishReason = "finish_reason"
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(index, forKey: .index)
            try container.encode(text, forKey: .text)
            try container.encode(finishReason, forKey: .finishReason)
        }
    }

    package var id: String
    package var object: String
    package var created: Int
    package var model: String
    package var choices: [Choice]
    package var usage: OpenAIUsage?
    package var kith: OpenAIContinuation?

    private enum CodingKeys: String, CodingKey {
        case id, object, created, model, choices, usage
        case kith = "x_kith"
    }

    package init(header: OpenAIAnswerHeader, text: String?, finish: FinishReason?, usage: TokenUsage?) {
        id = header.id
        object = "text_completion"
        created = header.created
        model = header.model
        choices = text.map { [Choice(index: 0, text: $0, finishReason: finish?.rawValue)] } ?? []
        self.usage = usage.map(OpenAIUsage.init)
    }
}

/// One event of a streamed answer to `POST /v1/chat/completions`.
package struct OpenAIChatChunk: Codable, Sendable {
    package struct Choice: Codable, Sendable {
        package var index: Int
        package var delta: Delta
        package var finishReason: String?

        private enum CodingKeys: String, CodingKey {
            case index, delta
            case finishReason = "finish_reason"
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(index, forKey: .index)
            try container.encode(delta, forKey: .delta)
            try container.encode(finishReason, forKey: .finishReason)
        }
    }

    package struct Delta: Codable, Sendable {
        package var role: String?
        package var content: String?
        package var reasoning: String?
        package var toolCalls: JSONValue?

        private enum CodingKeys: String, CodingKey {
            case role, content
            case reasoning = "reasoning_content"
            case toolCalls = "tool_calls"
        }
    }

    package var id: String
    package var object: String
    package var created: Int
    package var model: String
    package var choices: [Choice]
    package var usage: OpenAIUsage?
    package var kith: OpenAIContinuation?

    private enum CodingKeys: String, CodingKey {
        case id, object, created, model, choices, usage
        case kith = "x_kith"
    }

    package init(header: OpenAIAnswerHeader, delta: Delta?, finish: FinishReason? = nil, usage: TokenUsage? = nil) {
        id = header.id
        object = "chat.completion.chunk"
        created = header.created
        model = header.model
        choices = delta.map { [Choice(index: 0, delta: $0, finishReason: finish?.rawValue)] } ?? []
        self.usage = usage.map(OpenAIUsage.init)
    }
}

/// What every part of one answer repeats.
package struct OpenAIAnswerHeader: Sendable {
    package var id: String
    /// Unix time in seconds.
    package var created: Int
    package var model: String

    package init(id: String, created: Int, model: String) {
        self.id = id
        self.created = created
        self.model = model
    }
}

package struct OpenAIUsage: Codable, Sendable {
    package var promptTokens: Int
    package var completionTokens: Int
    package var totalTokens: Int

    private enum CodingKeys: String, CodingKey {
        case promptTokens = "prompt_tokens"
        case completionTokens = "completion_tokens"
        case totalTokens = "total_tokens"
    }

    package init(_ usage: TokenUsage) {
        promptTokens = usage.promptTokens
        completionTokens = usage.completionTokens
        totalTokens = usage.totalTokens
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        promptTokens = try container.decodeIfPresent(Int.self, forKey: .promptTokens) ?? 0
        completionTokens = try container.decodeIfPresent(Int.self, forKey: .completionTokens) ?? 0
        totalTokens = try container.decodeIfPresent(Int.self, forKey: .totalTokens) ?? 0
    }

    package var tokenUsage: TokenUsage { TokenUsage(promptTokens: promptTokens, completionTokens: completionTokens) }
}

/// `GET /v1/models`. Of a server's, nothing is read but the models.
package struct OpenAIModelList: Codable, Sendable {
    package var object: String?
    package var data: [OpenAIModel]

    package init(_ models: [ModelInfo]) {
        object = "list"
        data = models.map(OpenAIModel.init)
    }
}

/// `GET /v1/models/{id}`; the fields after `owned_by` are llama.cpp's and vLLM's, read when present.
package struct OpenAIModel: Codable, Sendable {
    package struct Meta: Codable, Sendable {
        package var contextLength: Int?

        private enum CodingKeys: String, CodingKey { case contextLength = "n_ctx" }
    }

    package var id: String
    package var object: String?
    package var created: Int?
    package var ownedBy: String?
    package var meta: Meta?
    package var maxModelLength: Int?

    private enum CodingKeys: String, CodingKey {
        case id, object, created, meta
        case ownedBy = "owned_by"
        case maxModelLength = "max_model_len"
    }

    package init(_ model: ModelInfo) {
        id = model.id.rawValue
        object = "model"
        created = model.created
        ownedBy = model.ownedBy
    }

    package var contextLength: Int? { meta?.contextLength ?? maxModelLength }
}

/// An error in OpenAI's form; also the payload of an error in the middle of a stream.
package struct OpenAIErrorBody: Codable, Sendable {
    package struct Detail: Codable, Sendable {
        package var message: String
        package var type: String?
        package var code: JSONValue?
        package var param: String?
        /// Names that would have worked; added by kith to a 404 for a model.
        package var models: [String]?

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(message, forKey: .message)
            try container.encode(type, forKey: .type)
            try container.encode(code, forKey: .code)
            try container.encode(param, forKey: .param)
            try container.encodeIfPresent(models, forKey: .models)
        }

        private enum CodingKeys: String, CodingKey { case message, type, code, param, models }
    }

    package var error: Detail

    package init(message: String, type: String, code: String? = nil, param: String? = nil, models: [String]? = nil) {
        error = Detail(message: message, type: type, code: code.map { .string($0) }, param: param, models: models)
    }
}
