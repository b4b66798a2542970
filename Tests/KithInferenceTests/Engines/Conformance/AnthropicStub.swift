// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting

/// Anthropic's API as its documentation of version 2023-06-01 shows it.
enum AnthropicStub {
    @Sendable
    static func answer(_ request: StubRequest, _ answer: StubAnswer) async throws {
        guard request[header: "x-api-key"] == "key-of-the-stub", request[header: "anthropic-version"] == "2023-06-01"
        else {
            return try await error(401, "authentication_error", "invalid x-api-key", answer)
        }
        switch request.uri.prefix(while: { $0 != "?" }) {
        case "/v1/models":
            try await answer.send(
                """
                {"data":[{"type":"model","id":"\(DialectStub.model)","display_name":"Stub",\
                "created_at":"2026-02-19T00:00:00Z"}],"has_more":false,"first_id":"x","last_id":"x"}
                """)
        case "/v1/messages": try await generate(request, answer)
        default: try await error(404, "not_found_error", "Not found", answer)
        }
    }

    private static func generate(_ request: StubRequest, _ answer: StubAnswer) async throws {
        let body = DialectStub.json(request)
        guard body["model"]?.stringValue == DialectStub.model.rawValue else {
            return try await error(404, "not_found_error", "model: \(body["model"]?.stringValue ?? "")", answer)
        }
        guard let limit = body["max_tokens"]?.intValue else {
            return try await error(400, "invalid_request_error", "max_tokens: Field required", answer)
        }
        let stop = body["stop_sequences"]?.arrayValue ?? []
        let prompt = body["messages"]?.arrayValue?.last?["content"]?.arrayValue?.first?["text"]?.stringValue ?? ""
        let wanted = DialectStub.wanted(body, limit: limit, stop: stop, prompt: prompt)
        try await answer.begin(contentType: "text/event-stream; charset=utf-8")
        func event(_ name: String, _ fields: String) async throws {
            try await answer.write("event: \(name)\ndata: {\"type\":\"\(name)\"\(fields)}\n\n")
        }
        try await event(
            "message_start",
            #","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"stub","#
                + #""stop_reason":null,"usage":{"input_tokens":20,"cache_read_input_tokens":5,"output_tokens":1}}"#)
        try await event("content_block_start", #","index":0,"content_block":{"type":"text","text":""}"#)
        try await event("ping", "")
        for token in wanted.tokens {
            try await event("content_block_delta", #","index":0,"delta":{"type":"text_delta","text":"\#(token)"}"#)
            if wanted.isEndless { try await answer.hang() }
        }
        try await event("content_block_stop", #","index":0"#)
        let reason = wanted.isCut ? "max_tokens" : stop.isEmpty ? "end_turn" : "stop_sequence"
        try await event(
            "message_delta",
            #","delta":{"stop_reason":"\#(reason)","stop_sequence":null},"usage":{"output_tokens":\#(wanted.tokens.count)}"#
        )
        try await event("message_stop", "")
        try await answer.end()
    }

    private static func error(_ status: Int, _ type: String, _ message: String, _ answer: StubAnswer) async throws {
        try await answer.send(
            #"{"type":"error","error":{"type":"\#(type)","message":"\#(message)"},"request_id":"req_1"}"#,
            status: status)
    }
}
