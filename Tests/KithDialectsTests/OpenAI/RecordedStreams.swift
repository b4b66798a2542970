// SPDX-License-Identifier: Apache-2.0

/// Answers as servers of OpenAI's dialect stream them.
struct RecordedStream: Sendable, CustomStringConvertible {
    var name: String
    var text: String
    /// What the client reads as the text of the first choice.
    var says: String
    var finish: String

    var description: String { name }
    var bytes: [UInt8] { Array(text.utf8) }

    private static func events(_ data: [String]) -> String { data.map { "data: \($0)\n\n" }.joined() }

    static let openAI = RecordedStream(
        name: "OpenAI",
        text: events(
            [
                #"{"id":"chatcmpl-A","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"obfuscation":"a1"}"#,
                #"{"id":"chatcmpl-A","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":"Grüße"},"logprobs":{"content":[{"token":"Gr","logprob":-0.1,"bytes":[71,114],"top_logprobs":[]}],"refusal":null},"finish_reason":null}],"obfuscation":"b"}"#,
                #"{"id":"chatcmpl-A","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":" \"\ud83d\ude00\"\n"},"logprobs":null,"finish_reason":null}],"obfuscation":""}"#,
                #"{"id":"chatcmpl-A","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"obfuscation":"cd"}"#,
                #"{"id":"chatcmpl-A","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}"#,
                "[DONE]",
            ]), says: "Grüße \"😀\"\n", finish: "stop")

    static let openAITools = RecordedStream(
        name: "OpenAI with tools",
        text: events(
            [
                #"{"id":"chatcmpl-B","object":"chat.completion.chunk","created":1,"model":"gpt","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""}}],"refusal":null},"finish_reason":null}]}"#,
                #"{"id":"chatcmpl-B","object":"chat.completion.chunk","created":1,"model":"gpt","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]},"finish_reason":null}]}"#,
                #"{"id":"chatcmpl-B","object":"chat.completion.chunk","created":1,"model":"gpt","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Oslo\"}"}}]},"finish_reason":null}]}"#,
                #"{"id":"chatcmpl-B","object":"chat.completion.chunk","created":1,"model":"gpt","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"weather","arguments":"{}"}}]},"finish_reason":null}]}"#,
                #"{"id":"chatcmpl-B","object":"chat.completion.chunk","created":1,"model":"gpt","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
                "[DONE]",
            ]), says: "", finish: "tool_calls")

    static let llama = RecordedStream(
        name: "llama.cpp",
        text: events(
            [
                #"{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1760000000,"id":"chatcmpl-x","model":"qwen","system_fingerprint":"b1-1","object":"chat.completion.chunk"}"#,
                #"{"choices":[{"finish_reason":null,"index":0,"delta":{"reasoning_content":"Hm"}}],"created":1760000000,"id":"chatcmpl-x","model":"qwen","system_fingerprint":"b1-1","object":"chat.completion.chunk"}"#,
                #"{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Hello"}}],"created":1760000000,"id":"chatcmpl-x","model":"qwen","system_fingerprint":"b1-1","object":"chat.completion.chunk"}"#,
                #"{"choices":[{"finish_reason":"length","index":0,"delta":{}}],"created":1760000000,"id":"chatcmpl-x","model":"qwen","system_fingerprint":"b1-1","object":"chat.completion.chunk","timings":{"prompt_n":5,"predicted_per_second":31.125}}"#,
                "[DONE]",
            ]), says: "Hello", finish: "length")

    static let vllm = RecordedStream(
        name: "vLLM",
        text: events(
            [
                #"{"id":"chatcmpl-v","object":"chat.completion.chunk","created":2,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null}"#,
                #"{"id":"chatcmpl-v","object":"chat.completion.chunk","created":2,"model":"m","choices":[{"index":0,"delta":{"content":"one"},"logprobs":null,"finish_reason":null,"token_ids":null}],"usage":{"prompt_tokens":4,"total_tokens":5,"completion_tokens":1}}"#,
                #"{"id":"chatcmpl-v","object":"chat.completion.chunk","created":2,"model":"m","choices":[{"index":0,"delta":{"content":" two"},"logprobs":null,"finish_reason":"stop","stop_reason":151645,"token_ids":null}],"usage":{"prompt_tokens":4,"total_tokens":6,"completion_tokens":2}}"#,
                #"{"id":"chatcmpl-v","object":"chat.completion.chunk","created":2,"model":"m","choices":[],"usage":{"prompt_tokens":4,"total_tokens":6,"completion_tokens":2}}"#,
                "[DONE]",
            ]), says: "one two", finish: "stop")

    /// With comments, thoughts under both names, a provider's members, CR LF, and usage beside a choice.
    static let router = RecordedStream(
        name: "a router of providers",
        text: (": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n"
            + events(
                [
                    #"{"id":"gen-1","provider":"P","model":"a/b","object":"chat.completion.chunk","created":3,"choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"I think","reasoning_details":[{"type":"reasoning.text","text":"I think","index":0}]},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}"#,
                    #"{"id":"gen-1","provider":"P","model":"a/b","object":"chat.completion.chunk","created":3,"choices":[{"index":0,"delta":{"role":"assistant","content":"yes","annotations":[{"type":"url_citation"}]},"finish_reason":null,"native_finish_reason":null,"logprobs":null}],"citations":["https://example.com"]}"#,
                ])
            + ": OPENROUTER PROCESSING\n\n"
            + events(
                [
                    #"{"id":"gen-1","provider":"P","model":"a/b","object":"chat.completion.chunk","created":3,"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop","native_finish_reason":"STOP","logprobs":null}],"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6,"cost":0.00014}}"#,
                    "[DONE]",
                ])).replacing("\n", with: "\r\n"), says: "yes", finish: "stop")

    /// Leaves out whatever can be left out.
    static let sparse = RecordedStream(
        name: "a sparse server",
        text: "\u{FEFF}"
            + events(
                [
                    "null", #"{"choices":[{"delta":{"role":"assistant","content":[{"type":"text","text":"a"}]}}]}"#,
                    #"{"id":"s","choices":[{"delta":{"content":"b\#u{2028}"},"finish_reason":""}],"created":4.5}"#,
                    #"{"choices":[{"delta":{"tool_calls":[{"id":"c1","function":{"name":"f","arguments":{"x":1}}}]}}]}"#,
                    #"{"choices":[{"delta":{"tool_calls":[{"id":"c2","function":{"name":"f","arguments":"{}"}}]}}]}"#,
                    #"{"choices":[{"delta":null,"finish_reason":"eos_token"}]}"#,
                    #"{"usage":{"prompt_tokens":3.0,"completion_tokens":null},"choices":null}"#,
                ]).replacing("data: ", with: "data:") + "data: [DONE] ", says: "ab\u{2028}", finish: "eos_token")

    static let all = [openAI, openAITools, llama, vllm, router, sparse]
}
