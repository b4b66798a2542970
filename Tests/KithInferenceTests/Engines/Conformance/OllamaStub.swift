// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting

/// Ollama as version 0.12 was seen to answer.
enum OllamaStub {
    @Sendable
    static func answer(_ request: StubRequest, _ answer: StubAnswer) async throws {
        let body = DialectStub.json(request)
        switch request.uri {
        case "/api/version": try await answer.send(#"{"version":"0.12.6"}"#)
        case "/api/tags":
            try await answer.send(
                """
                {"models":[{"name":"\(DialectStub.model)","model":"\(DialectStub.model)",\
                "modified_at":"2026-01-02T03:04:05.678901234Z","size":1321098329,\
                "digest":"baf6a787fdffd633537aa2eb51cfd54cb93ff08e28040095462bb63daf552878",\
                "details":{"parent_model":"","format":"gguf","family":"llama","families":["llama"],\
                "parameter_size":"1.2B","quantization_level":"Q8_0"}}]}
                """)
        case "/api/show":
            try await answer.send(
                #"{"details":{"family":"llama"},"model_info":{"general.architecture":"llama","#
                    + #""llama.context_length":131072},"capabilities":["completion","embedding"]}"#)
        case "/api/embed":
            guard isKnown(body) else { return try await notFound(body, answer) }
            let vectors = JSONValue.array(DialectStub.vectors(body)).jsonText ?? ""
            try await answer.send(
                #"{"model":"stub","embeddings":\#(vectors),"total_duration":14143917,"prompt_eval_count":8}"#)
        case "/api/chat", "/api/generate":
            guard isKnown(body) else { return try await notFound(body, answer) }
            try await generate(body, answer, isChat: request.uri == "/api/chat")
        default: try await answer.send("404 page not found", status: 404, contentType: "text/plain")
        }
    }

    private static func generate(_ body: JSONValue, _ answer: StubAnswer, isChat: Bool) async throws {
        let prompt = body["messages"]?.arrayValue?.last?["content"]?.stringValue ?? body["prompt"]?.stringValue ?? ""
        let wanted = DialectStub.wanted(
            body, limit: body["options"]?["num_predict"]?.intValue, stop: body["options"]?["stop"]?.arrayValue ?? [],
            prompt: prompt)
        try await answer.begin(contentType: "application/x-ndjson")
        let head = #""model":"stub","created_at":"2026-01-02T03:04:05.678901234Z""#
        for token in wanted.tokens {
            let piece =
                isChat ? #""message":{"role":"assistant","content":"\#(token)"}"# : #""response":"\#(token)""#
            try await answer.write("{\(head),\(piece),\"done\":false}\n")
            if wanted.isEndless { try await answer.hang() }
        }
        let last = isChat ? #""message":{"role":"assistant","content":""}"# : #""response":"""#
        try await answer.write(
            """
            {\(head),\(last),"done_reason":"\(wanted.isCut ? "length" : "stop")","done":true,\
            "total_duration":2101000000,"load_duration":55000000,"prompt_eval_count":26,\
            "prompt_eval_duration":91000000,"eval_count":\(wanted.tokens.count),"eval_duration":412000000}

            """)
        try await answer.end()
    }

    private static func isKnown(_ body: JSONValue) -> Bool { body["model"]?.stringValue == DialectStub.model.rawValue }

    private static func notFound(_ body: JSONValue, _ answer: StubAnswer) async throws {
        try await answer.send(#"{"error":"model '\#(body["model"]?.stringValue ?? "")' not found"}"#, status: 404)
    }
}
