// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The body of `POST /v1/chat/completions`.
package enum OpenAIChatRequest {
    /// The request in these bytes, read in one pass; it keeps them.
    ///
    /// Fields that this node does not act on are in ``ChatRequest/extensions``. Whether a value is in a range that an
    /// engine takes is for the engine to say.
    ///
    /// - Throws: ``ChatFailure`` with `malformedRequest` for what is not JSON or lacks a field, and `invalidRequest` for a
    ///   field of the wrong type; the message names the field.
    package static func read(_ bytes: [UInt8]) throws(ChatFailure) -> ChatRequest {
        var fields = OpenAIRequestFields()
        var messages: [ChatMessage]?
        let body = try ClientBody(requestTo: .openAIChatCompletions, bytes) { key, scanner in
            if key == "messages" {
                messages = try OpenAIMessages.read(&scanner)
            } else {
                try fields.read(key, &scanner)
            }
        }
        guard let messages else { throw ChatFailure.missing("messages") }
        guard !messages.isEmpty else {
            throw ChatFailure(.malformedRequest, "'messages' must hold at least one message", field: "messages")
        }
        return try fields.request(.chat, messages, body)
    }
}

/// The body of `POST /v1/completions`.
package enum OpenAICompletionRequest {
    /// As ``OpenAIChatRequest/read(_:)``. A prompt that is not one text, as tokens or several texts, becomes the parts of
    /// the only message, for engines that speak this dialect.
    ///
    /// - Throws: ``ChatFailure``.
    package static func read(_ bytes: [UInt8]) throws(ChatFailure) -> ChatRequest {
        var fields = OpenAIRequestFields()
        var prompt: MessageContent?
        let body = try ClientBody(requestTo: .openAICompletions, bytes) { key, scanner in
            if key == "prompt" {
                prompt = try Self.prompt(&scanner)
            } else {
                try fields.read(key, &scanner)
            }
        }
        guard let prompt else { throw ChatFailure.missing("prompt") }
        return try fields.request(.completion, [ChatMessage(role: .user, content: prompt)], body)
    }

    private static func prompt(_ scanner: inout JSONScanner) throws -> MessageContent? {
        guard scanner.kind() == .array else { return try scanner.text(of: "prompt").map { .text($0) } }
        let parts = try scanner.value().arrayValue ?? []
        if parts.count == 1, let text = parts[0].stringValue { return .text(text) }
        return .parts(parts)
    }
}

/// A model's name in a request.
package enum OpenAIModelName {
    /// `auto`, an empty name and no name all leave the choice to the router.
    ///
    /// - Throws: ``ChatFailure`` for a name of more than 256 bytes.
    package static func id(_ name: String?) throws(ChatFailure) -> ModelID? {
        guard let name, !name.isEmpty, name != "auto" else { return nil }
        guard name.utf8.count <= 256 else {
            throw ChatFailure(.invalidRequest, "'model' must be at most 256 bytes long", field: "model")
        }
        return ModelID(name)
    }
}
