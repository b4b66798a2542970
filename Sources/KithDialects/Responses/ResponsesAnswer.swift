// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What every form of one response repeats.
package struct ResponsesHeader: Sendable {
    private let request: RequestID
    package var model: String
    /// Unix time in seconds.
    private let createdAt: Int
    let tools: ResponsesTools
    private let echo: JSONObject
    /// Whether the response is kept.
    package var stores: Bool
    /// Whether thoughts are given in a form in which they come back too.
    let sealsThoughts: Bool
    /// Tokens of the prompt, for engines that do not count them.
    private let estimatedPromptTokens: Int

    init(
        id request: RequestID, model: String, createdAt: Int, tools: ResponsesTools = ResponsesTools(),
        echo: JSONObject = [:], stores: Bool = false, sealsThoughts: Bool = false, estimatedPromptTokens: Int = 0
    ) {
        self.request = request
        self.model = model
        self.createdAt = createdAt
        self.tools = tools
        self.echo = echo
        self.stores = stores
        self.sealsThoughts = sealsThoughts
        self.estimatedPromptTokens = estimatedPromptTokens
    }

    package var id: String { "resp_\(request)" }

    /// The id of the item at this place of the output.
    func item(_ prefix: String, _ place: Int) -> String { "\(prefix)_\(request)_\(place)" }

    /// The engine's name for a call, or one that is made here.
    func call(_ call: JSONValue, _ place: Int) -> String {
        if let id = call["id"]?.stringValue, !id.isEmpty { return id }
        return item("call", place)
    }

    func response(_ status: String, output: [JSONValue] = [], usage: TokenUsage? = nil) -> JSONObject {
        var response: JSONObject = [
            "id": .string(id), "object": "response", "created_at": .integer(Int64(createdAt)),
            "status": .string(status), "error": .null, "incomplete_details": .null, "model": .string(model),
            "output": .array(output), "usage": usage.map { .object(self.usage($0)) } ?? .null,
            "store": .bool(stores),
        ]
        for (name, value) in echo { response[name] = value }
        return response
    }

    /// The same in few bytes, for an event that only says that the response is still being made.
    var sign: JSONObject {
        var response = response("in_progress")
        response["instructions"] = .null
        response["tools"] = []
        response["tool_choice"] = "auto"
        response["text"] = ["format": ["type": "text"]]
        response["metadata"] = [:]
        return response
    }

    private func usage(_ usage: TokenUsage) -> JSONObject {
        let prompt = usage.promptTokens > 0 ? usage.promptTokens : max(0, estimatedPromptTokens)
        let answer = max(0, usage.completionTokens)
        let cached = min(prompt, TokenUsage.count(usage.details?["prompt_tokens_details"]?["cached_tokens"]))
        let thought = TokenUsage.count(usage.details?["completion_tokens_details"]?["reasoning_tokens"])
        let total = TokenUsage(promptTokens: prompt, completionTokens: answer).totalTokens
        return [
            "input_tokens": .integer(Int64(prompt)),
            "input_tokens_details": ["cached_tokens": .integer(Int64(cached)), "cache_write_tokens": 0],
            "output_tokens": .integer(Int64(answer)),
            "output_tokens_details": ["reasoning_tokens": .integer(Int64(min(answer, thought)))],
            "total_tokens": .integer(Int64(total)),
        ]
    }
}

/// The last word about a response: what it has become, and the status with which it ended.
package struct ResponsesEnding: Sendable {
    package private(set) var response: JSONObject
    /// The name of the event that tells it.
    let event: String
    /// Why it failed; `nil` for one that is completed or incomplete.
    package let failure: ChatError?

    init(_ response: JSONObject, event: String, failure: ChatError? = nil) {
        self.response = response
        self.event = event
        self.failure = failure
    }

    /// The items of the answer.
    package var output: [JSONValue] { response["output"]?.arrayValue ?? [] }

    /// Says that the response is not kept after all.
    package mutating func isNotStored() { response["store"] = false }
}

/// A plain answer to `POST /v1/responses`.
package enum ResponsesAnswer {
    /// - Throws: `ChatError` with `invalidAnswer` for an answer that cannot be told in this dialect.
    package static func ending(
        header: ResponsesHeader, message: ChatDelta, finish: FinishReason, usage: TokenUsage
    ) throws(ChatError) -> ResponsesEnding {
        var encoder = ResponsesStreamEncoder(header: header)
        var events: [UInt8] = []
        encoder.append(message, to: &events)
        let ending = encoder.end(finish, usage, to: &events)
        if let failure = ending.failure { throw failure }
        return ending
    }
}

/// Why a response failed, in words by which programs decide whether to ask again.
package struct ResponsesFailure: Hashable, Sendable {
    /// The code by which programs know that the prompt is longer than the context.
    package static let tooLong = "context_length_exceeded"

    package var code: String
    package var message: String

    /// - Parameter status: The HTTP status that would go with it before the answer began.
    package init(status: Int, message: String, isTooLong: Bool) {
        switch status {
        case _ where isTooLong: code = Self.tooLong
        case 429, 503: code = "rate_limit_exceeded"
        case 400..<500: code = "invalid_prompt"
        default: code = "server_error"
        }
        self.message = message
    }

    var json: JSONValue { ["code": .string(code), "message": .string(message)] }
}
