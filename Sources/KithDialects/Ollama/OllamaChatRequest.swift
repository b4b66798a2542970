// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Which of Ollama's two routes for answers a request came to; the answer differs in where its text stands.
package enum OllamaRoute: Hashable, Sendable { case chat, generate }

/// The body of `POST /api/chat` or `POST /api/generate` in Ollama's form, as the request that it stands for.
///
/// Engines get a translation; those that speak Ollama's dialect are told `options` but for those of the machine, `think`,
/// `keep_alive`, `truncate` and `shift`. What is unknown is ignored, and so is `context`: the conversation of an answer before, in an engine's own tokens.
package struct OllamaChatRequest: Sendable {
    /// What is asked for without a prompt.
    package enum Handling: String, Hashable, Sendable { case load, unload }

    package var chat: ChatRequest
    package var route: OllamaRoute
    /// The model's name as the client wrote it; empty when it wrote none.
    package var model: String
    /// Whether the client sees what the model thinks.
    package var showsThoughts: Bool
    /// `nil` for a request that wants an answer.
    package var handling: Handling?

    /// The body of `POST /api/chat`.
    ///
    /// - Throws: `ChatError` with `malformedRequest` for what is not JSON or lacks a field, `invalidRequest` for a field of
    ///   the wrong type, and `unsupported` for what no engine can be told; the message names the field.
    package static func readChat(_ bytes: [UInt8]) throws -> OllamaChatRequest {
        let fields = try RequestFields(body: bytes)
        let turns = try fields.objects("messages") ?? []
        var extensions = JSONObject()
        if let tools = try fields.objects("tools"), !tools.isEmpty { extensions["tools"] = fields.value("tools") }
        return try OllamaChatRequest(
            fields, route: .chat, messages: OllamaTurns(turns).messages, extensions: extensions,
            isEmpty: turns.isEmpty)
    }

    /// The body of `POST /api/generate`: a question in a conversation of its own, or with `raw` a text to be continued.
    ///
    /// - Throws: As ``readChat(_:)``.
    package static func readGenerate(_ bytes: [UInt8]) throws -> OllamaChatRequest {
        let fields = try RequestFields(body: bytes)
        for (key, why) in refused {
            guard let text = try fields.text(key), !text.isEmpty else { continue }
            throw ChatError(.unsupported, why, field: key)
        }
        let prompt = try fields.text("prompt") ?? ""
        let images = try fields.ollamaImages()
        let isEmpty = prompt.isEmpty && images.isEmpty
        if try fields.bool("raw") == true {
            guard images.isEmpty else {
                throw ChatError(.unsupported, "a raw prompt is text alone, without images", field: "images")
            }
            return try OllamaChatRequest(
                fields, route: .generate, kind: .completion, messages: [ChatMessage(.user, prompt)], isEmpty: isEmpty)
        }
        var messages = [ChatMessage(role: .user, content: MessageContent(prompt, images: images))]
        if let system = try fields.text("system"), !system.isEmpty {
            messages.insert(ChatMessage(.system, system), at: 0)
        }
        return try OllamaChatRequest(fields, route: .generate, messages: messages, isEmpty: isEmpty)
    }

    private static let refused = [
        ("suffix", "text before a suffix cannot be filled in here: not every engine can; leave out 'suffix'"),
        (
            "template",
            "engines use the template of their model; send the finished prompt with 'raw', or leave out 'template'"
        ),
    ]

    private init(
        _ fields: RequestFields, route: OllamaRoute, kind: ChatRequest.Kind = .chat, messages: [ChatMessage],
        extensions: JSONObject = [:], isEmpty: Bool
    ) throws {
        var extensions = extensions
        let sampling = try fields.ollamaSampling(&extensions)
        showsThoughts = try fields.ollamaThinking(&extensions) ?? true
        extensions["response_format"] = try fields.ollamaResponseFormat()
        for name in ["keep_alive", "truncate", "shift"] { extensions[name] = fields.value(name) }
        if try fields.bool("logprobs") == true {
            extensions["logprobs"] = true
            extensions["top_logprobs"] = try fields.integer("top_logprobs").map { .integer(Int64($0)) }
        }
        model = try fields.text("model") ?? ""
        self.route = route
        handling = isEmpty ? (Self.meansNow(fields.value("keep_alive")) ? .unload : .load) : nil
        chat = ChatRequest(
            kind: kind, model: try OpenAIModelName.id(model), messages: messages, sampling: sampling,
            extensions: extensions, streams: try fields.bool("stream") ?? true, includesUsage: true)
    }

    /// Whether a model is to be kept in memory for no time at all.
    private static func meansNow(_ keepAlive: JSONValue?) -> Bool {
        switch keepAlive {
        case .string(let text)?: ["0", "0s", "0m", "0h"].contains(text)
        default: keepAlive?.doubleValue == 0
        }
    }
}
