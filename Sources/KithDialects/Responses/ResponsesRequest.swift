// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The body of `POST /v1/responses`, as far as it can be read without what was said before.
///
/// Engines get a translation, never the client's own words. What changes no answer of a model here is ignored:
/// `truncation`, `client_metadata`, `service_tier`, `max_tool_calls`, and fields that are unknown.
package struct ResponsesRequest: Sendable {
    /// `text.verbosity` and the like go no further: engines refuse what they do not know.
    private static let efforts = [
        "none": "none", "minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high",
        "max": "high",
    ]
    private static let mostLogprobs = 20

    package let id: RequestID
    /// The response that this one goes on from, in the client's words.
    package let previousID: String?
    /// Whether the client wants the response to be kept.
    package let stores: Bool
    /// The ids of the items for which `item_reference`s stand.
    package var references: [String] { input.compactMap { ResponsesInput.reference($0) } }

    private let input: [JSONValue]
    private let instructions: String?
    private let tools: ResponsesTools
    private let sampling: SamplingOptions
    private let model: ModelID?
    private let extensions: JSONObject
    private let streams: Bool
    private let sealsThoughts: Bool
    private let echo: JSONObject

    /// - Throws: `ChatError` with `malformedRequest` for what is not JSON or lacks a field, `invalidRequest` for a field of
    ///   the wrong type, and `unsupported` for what cannot be done here; the message names the field.
    package static func read(_ bytes: [UInt8], id: RequestID = .random()) throws -> ResponsesRequest {
        try ResponsesRequest(try RequestFields(body: bytes), id: id)
    }

    private init(_ fields: RequestFields, id: RequestID) throws {
        try Self.refuseTheImpossible(fields)
        self.id = id
        previousID = try fields.text("previous_response_id")
        stores = try fields.bool("store") ?? true
        streams = try fields.bool("stream") ?? false
        input = try ResponsesInput.items(fields, id: id)
        instructions = try fields.text("instructions")
        model = try OpenAIModelName.id(try fields.text("model"))
        sampling = SamplingOptions(
            maxTokens: try Self.limit(fields), temperature: try fields.number("temperature"),
            topP: try fields.number("top_p"), frequencyPenalty: try fields.number("frequency_penalty"),
            presencePenalty: try fields.number("presence_penalty"))
        var tools = try ResponsesTools(fields)
        let choice = try tools.choose(fields)
        self.tools = tools
        let included = try fields.list("include") ?? []
        sealsThoughts = included.contains("reasoning.encrypted_content")
        extensions = try Self.extensions(
            fields, tools: tools, choice: choice, wantsLogprobs: included.contains("message.output_text.logprobs"))
        echo = try Self.echo(fields, tools: tools)
    }

    private static func refuseTheImpossible(_ fields: RequestFields) throws {
        if try fields.bool("background") == true {
            throw ChatError(
                .unsupported, "responses are not made in the background here; leave 'background' out",
                field: "background")
        }
        for field in ["conversation", "prompt"] where fields.value(field) != nil {
            throw ChatError(
                .unsupported, "'\(field)' is kept at OpenAI; send what it stands for in 'input'", field: field)
        }
    }

    private static func limit(_ fields: RequestFields) throws -> Int? {
        guard let limit = try fields.integer("max_output_tokens") else { return nil }
        guard limit >= 1 else {
            throw ChatError(.invalidRequest, "'max_output_tokens' must be at least 1", field: "max_output_tokens")
        }
        return limit
    }
}

// MARK: What engines are told

/// A request of the Responses dialect with all that came before it.
package struct PreparedResponse: Sendable {
    package var chat: ChatRequest
    package var header: ResponsesHeader
    /// Everything that the engine reads, as items.
    package var items: [JSONValue]
}

extension ResponsesRequest {
    /// - Parameters:
    ///   - history: The items before `input`, those of the earlier answers included.
    ///   - referenced: The items that ``references`` mean, by their ids.
    ///   - createdAt: Unix time in seconds.
    /// - Throws: `ChatError` as ``read(_:id:)``, and for a reference to an item that is not there.
    package func prepared(
        after history: [JSONValue] = [], referenced: [String: JSONValue] = [:], createdAt: Int
    ) throws -> PreparedResponse {
        let items = try input.enumerated().map { place, item in
            guard let reference = ResponsesInput.reference(item) else { return item }
            guard let item = referenced[reference] else {
                throw ChatError(
                    .invalidRequest, "there is no item '\(reference)' here, or not any more",
                    field: "input.\(place).id")
            }
            return item
        }
        var turns = ResponsesTurns(tools: tools, instructions: instructions)
        try turns.add(history, at: "previous_response")
        try turns.add(items, at: "input")
        let messages = turns.finish()
        guard !messages.isEmpty else {
            throw ChatError(.malformedRequest, "'input' must hold something to answer", field: "input")
        }
        var chat = ChatRequest(
            id: id, model: model, messages: messages, sampling: sampling, extensions: extensions, streams: streams,
            includesUsage: true)
        chat.conversation = echo["prompt_cache_key"]?.stringValue
        let header = ResponsesHeader(
            id: id, model: model?.rawValue ?? "auto", createdAt: createdAt, tools: tools, echo: echo, stores: stores,
            sealsThoughts: sealsThoughts, estimatedPromptTokens: chat.estimatedPromptTokens)
        return PreparedResponse(chat: chat, header: header, items: history + items)
    }

    private static func extensions(
        _ fields: RequestFields, tools: ResponsesTools, choice: JSONValue?, wantsLogprobs: Bool
    ) throws -> JSONObject {
        var extensions: JSONObject = [:]
        if !tools.offered.isEmpty {
            extensions["tools"] = .array(tools.offered)
            extensions["tool_choice"] = choice
            if try fields.bool("parallel_tool_calls") == false { extensions["parallel_tool_calls"] = false }
        }
        let effort = try fields.object("reasoning")?.text("effort")
        extensions["reasoning_effort"] = effort.flatMap { efforts[$0] }.map { .string($0) }
        extensions["response_format"] = try responseFormat(try fields.object("text")?.object("format"))
        let count = try fields.integer("top_logprobs") ?? 0
        guard (0...mostLogprobs).contains(count) else {
            throw ChatError(.invalidRequest, "'top_logprobs' must be from 0 to \(mostLogprobs)", field: "top_logprobs")
        }
        if wantsLogprobs || count > 0 {
            extensions["logprobs"] = true
            if count > 0 { extensions["top_logprobs"] = .integer(Int64(count)) }
        }
        return extensions
    }

    private static func responseFormat(_ format: RequestFields?) throws -> JSONValue? {
        guard let format else { return nil }
        switch try format.requiredText("type") {
        case "text": return nil
        case "json_object": return ["type": "json_object"]
        case "json_schema":
            guard let schema = format.value("schema") else { throw ChatError.missing(format.name("schema")) }
            var shape: JSONObject = ["name": .string(try format.text("name") ?? "answer")]
            shape["description"] = try format.text("description").map { .string($0) }
            shape["schema"] = schema
            shape["strict"] = try format.bool("strict").map { .bool($0) }
            return ["type": "json_schema", "json_schema": .object(shape)]
        default: throw ChatError.unusable(format.name("type"))
        }
    }
}

// MARK: What the client is told again

extension ResponsesRequest {
    /// What a response repeats of its request.
    private static func echo(_ fields: RequestFields, tools: ResponsesTools) throws -> JSONObject {
        let reasoning = fields.value("reasoning")
        let text = fields.value("text")
        var words: JSONObject = ["format": text?["format"] ?? ["type": "text"]]
        words["verbosity"] = text?["verbosity"]
        if let metadata = fields.value("metadata"), metadata.objectValue == nil {
            throw ChatError.wrongType("metadata", "an object")
        }
        var echo: JSONObject = [
            "background": false, "instructions": fields.value("instructions") ?? .null,
            "max_output_tokens": fields.value("max_output_tokens") ?? .null, "max_tool_calls": .null,
            "metadata": fields.value("metadata") ?? [:],
            "parallel_tool_calls": .bool(try fields.bool("parallel_tool_calls") ?? true),
            "previous_response_id": fields.value("previous_response_id") ?? .null,
            "reasoning": ["effort": reasoning?["effort"] ?? .null, "summary": reasoning?["summary"] ?? .null],
            "service_tier": "default", "temperature": fields.value("temperature") ?? .null, "text": .object(words),
            "tool_choice": fields.value("tool_choice") ?? "auto", "tools": .array(tools.asWritten),
            "top_logprobs": fields.value("top_logprobs") ?? 0, "top_p": fields.value("top_p") ?? .null,
            "truncation": "disabled",
        ]
        for field in ["user", "safety_identifier", "prompt_cache_key", "frequency_penalty", "presence_penalty"] {
            echo[field] = fields.value(field)
        }
        return echo
    }
}
