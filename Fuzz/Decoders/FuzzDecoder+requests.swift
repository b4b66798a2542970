// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

extension FuzzDecoder {
    private static let tools =
        #""tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}]"#

    /// What clients ask, in each dialect. What is understood is translated for engines of the other dialects too.
    static let requests: [FuzzDecoder] = [
        FuzzDecoder(
            "openai-chat",
            seeds: [
                #"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true,"max_tokens":5,"temperature":0.5,"#
                    + tools + "}",
                #"{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}],"response_format":{"type":"json_object"},"stop":["x"]}"#,
                #"{"messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"x"}]}"#,
            ]
        ) { bytes in translate(try? OpenAIChatRequest.read(bytes)) },
        FuzzDecoder("openai-completion", seeds: [#"{"model":"m","prompt":["a"],"max_tokens":3,"echo":false}"#]) {
            bytes in
            translate(try? OpenAICompletionRequest.read(bytes))
        },
        FuzzDecoder("openai-embeddings", seeds: [#"{"model":"m","input":["a",[1,2]],"encoding_format":"base64"}"#]) {
            bytes in
            _ = try? OpenAIEmbeddingRequest.read(bytes)
            _ = try? OpenAIEmbeddings.vectors(in: bytes)
            _ = try? OpenAIEmbeddings.converted(bytes, to: .base64)
        },
        FuzzDecoder(
            "anthropic-messages",
            seeds: [
                #"{"model":"m","max_tokens":5,"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"tool_result","tool_use_id":"t","content":"x"}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}],"thinking":{"type":"enabled","budget_tokens":1024}}"#
            ]
        ) { bytes in
            _ = try? AnthropicMessagesRequest.read(bytes)
            _ = try? AnthropicMessagesRequest.readToCount(bytes)
        },
        FuzzDecoder(
            "ollama-chat",
            seeds: [
                #"{"model":"m","messages":[{"role":"user","content":"a","images":["AA=="]}],"options":{"num_ctx":5,"stop":["x"]},"format":"json","think":true}"#,
                #"{"model":"m","prompt":"a","system":"s","suffix":"x","raw":true,"context":[1,2]}"#,
            ]
        ) { bytes in
            _ = try? OllamaChatRequest.readChat(bytes)
            _ = try? OllamaChatRequest.readGenerate(bytes)
            _ = try? OllamaEmbedRequest.read(bytes)
            _ = try? OllamaEmbedRequest.readOlder(bytes)
            for route in [OllamaRoute.chat, .generate] { _ = SharedRequestForm(route, bytes, accept: nil) }
        },
        FuzzDecoder(
            "responses",
            seeds: [
                #"{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"function_call","call_id":"1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"1","output":"x"}],"tools":[{"type":"function","name":"f","parameters":{}}],"stream":true}"#
            ]
        ) { bytes in _ = try? ResponsesRequest.read(bytes) },
        FuzzDecoder(
            "multipart",
            seeds: [
                "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--b--\r\n"
            ]
        ) { bytes in _ = try? MultipartForm(bytes, contentType: "multipart/form-data; boundary=b") },
        .reading("seed-generate", seeds: [#"{"prompt":"a","max_tokens":4,"temperature":1}"#]) {
            try JSONBody.decode(SeedGenerateRequest.self, from: $0)
        },
        .reading("seed-chat", seeds: [#"{"messages":[{"role":"user","content":"a"}],"session_id":"s"}"#]) {
            try JSONBody.decode(SeedChatRequest.self, from: $0)
        },
    ]

    private static func translate(_ request: ChatRequest?) {
        guard let request else { return }
        _ = OpenAIRequestEncoder.body(for: request, model: "m")
        _ = try? OllamaRequestEncoder.body(for: request, model: "m")
    }
}
