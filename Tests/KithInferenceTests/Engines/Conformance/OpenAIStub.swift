// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting

/// An OpenAI-compatible server as llama.cpp was seen to answer; it knows its model's name, which llama.cpp does not.
enum OpenAIStub {
    @Sendable
    static func answer(_ request: StubRequest, _ answer: StubAnswer) async throws {
        let body = DialectStub.json(request)
        switch request.uri {
        case "/health": try await answer.send(#"{"status":"ok"}"#)
        case "/v1/models":
            try await answer.send(
                """
                {"object":"list","data":[{"id":"\(DialectStub.model)","aliases":[],"object":"model",\
                "created":1795262729,"owned_by":"llamacpp","meta":{"n_ctx":4096,"n_ctx_train":8192,"n_embd":576}}]}
                """)
        case "/v1/embeddings":
            let items = DialectStub.vectors(body).enumerated().map { index, vector in
                #"{"object":"embedding","index":\#(index),"embedding":\#(vector.jsonText ?? "")}"#
            }
            try await answer.send(
                """
                {"model":"stub","object":"list","usage":{"prompt_tokens":4,"total_tokens":4},\
                "data":[\(items.joined(separator: ","))]}
                """)
        case "/v1/chat/completions", "/v1/completions": try await generate(request, body, answer)
        default:
            try await answer.send(
                #"{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}"#, status: 404)
        }
    }

    private static func generate(_ request: StubRequest, _ body: JSONValue, _ answer: StubAnswer) async throws {
        let isChat = request.uri == "/v1/chat/completions"
        let prompt = body["messages"]?.arrayValue?.last?["content"]?.stringValue ?? body["prompt"]?.stringValue ?? ""
        let stop = body["stop"]?.arrayValue ?? body["stop"].map { [$0] } ?? []
        let wanted = DialectStub.wanted(body, limit: body["max_tokens"]?.intValue, stop: stop, prompt: prompt)
        let finish = wanted.isCut ? "length" : "stop"
        let count = wanted.tokens.count
        let usage = #""usage":{"completion_tokens":\#(count),"prompt_tokens":36,"total_tokens":\#(36 + count)}"#
        guard body["stream"] == true else {
            let text = wanted.tokens.joined()
            return try await answer.send(
                """
                {"choices":[{"finish_reason":"\(finish)","index":0,"message":{"role":"assistant",\
                "content":"\(text)"}}],"created":1795263163,"model":"stub","object":"chat.completion",\(usage),\
                "id":"chatcmpl-dJCuEimGbScplWcigCcMmIQCnuqe7fUJ"}
                """)
        }
        try await answer.begin(contentType: "text/event-stream")
        let object = isChat ? "chat.completion.chunk" : "text_completion"
        let tail = #""created":1795263234,"id":"chatcmpl-IUKRSEfzm1HdFrH3YICiJiu","model":"stub","object":"\#(object)""#
        func choice(_ content: String, _ finish: String) -> String {
            #"data: {"choices":[{"finish_reason":\#(finish),"index":0,\#(content)}],\#(tail)}"# + "\n\n"
        }
        if isChat { try await answer.write(choice(#""delta":{"role":"assistant","content":null}"#, "null")) }
        for token in wanted.tokens {
            let content = isChat ? #""delta":{"content":"\#(token)"}"# : #""text":"\#(token)""#
            try await answer.write(choice(content, "null"))
            if wanted.isEndless { try await answer.hang() }
        }
        try await answer.write(choice(isChat ? #""delta":{}"# : #""text":"""#, "\"\(finish)\""))
        try await answer.write(#"data: {"choices":[],\#(tail),\#(usage)}"# + "\n\ndata: [DONE]\n\n")
        try await answer.end()
    }
}
