// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

extension FuzzDecoder {
    /// What engines answer whole.
    static let answers: [FuzzDecoder] = [
        FuzzDecoder(
            "openai-answer",
            seeds: [
                #"{"id":"1","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#
            ]
        ) { bytes in
            for mode in [OpenAIEventReader.Mode.raw(includesUsage: true), .decoded] {
                _ = try? OpenAIEventReader.events(
                    ofWhole: bytes, kind: .chat, mode: mode,
                    fallback: OpenAIAnswerHeader(id: "x", created: 1, model: "m"))
            }
            _ = OpenAIAnswerHeader(ofFirst: bytes)
            if let body = try? JSONBody.decode(JSONValue.self, from: bytes) { _ = EngineComplaint(body) }
        },
        FuzzDecoder(
            "ollama-answer",
            seeds: [
                #"{"models":[{"name":"m:latest","digest":"d","remote_host":""}]}"#,
                #"{"embeddings":[[1,2.5]],"prompt_eval_count":1}"#,
                #"{"message":{"role":"assistant","content":"a"},"done":true,"done_reason":"stop","eval_count":1}"#,
            ]
        ) { bytes in
            _ = try? JSONBody.decode(OllamaTagList.self, from: bytes)
            _ = try? OllamaEmbeddings(bytes)
            _ = try? OllamaWholeAnswer.events(in: bytes)
            _ = try? OllamaModelRequest.read(bytes)
        },
    ]
}
