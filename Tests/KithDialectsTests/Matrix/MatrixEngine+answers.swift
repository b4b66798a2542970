// SPDX-License-Identifier: Apache-2.0

extension MatrixEngine {
    private static func openAI(_ delta: String, _ finish: String, more: String = "") -> String {
        func event(_ choices: String, _ rest: String = "") -> String {
            "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\","
                + "\"choices\":[\(choices)]\(rest)}\n\n"
        }
        return event("{\"index\":0,\"delta\":{\(delta)},\"finish_reason\":null}")
            + event("{\"index\":0,\"delta\":{},\"finish_reason\":\"\(finish)\"\(more)}")
            + event(
                "",
                #","usage":{"prompt_tokens":25,"completion_tokens":9,"total_tokens":34,"#
                    + #""prompt_tokens_details":{"cached_tokens":5}}"#)
            + "data: [DONE]\n\n"
    }

    static func openAIStream(_ feature: ToldFeature) -> String? {
        let text = #""content":"Well.""#
        return switch feature {
        case .text, .cachedTokens: openAI(text, "stop")
        case .calls:
            openAI(
                #""tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"add","arguments":"{}"}}]"#,
                "tool_calls")
        case .reasoning: openAI(#""reasoning_content":"I wonder.""#, "stop")
        case .refusal: openAI(text, "content_filter")
        case .length: openAI(text, "length")
        case .stopText: openAI(text, "stop", more: #","matched_stop":"HALT""#)
        case .signature: nil
        }
    }

    private static func ollama(_ message: String, _ reason: String) -> String {
        """
        {"model":"m","message":{"role":"assistant",\(message)},"done":false}
        {"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"\(reason)",\
        "prompt_eval_count":25,"eval_count":9}

        """
    }

    static func ollamaStream(_ feature: ToldFeature) -> String? {
        let text = #""content":"Well.""#
        return switch feature {
        case .text: ollama(text, "stop")
        case .calls:
            ollama(
                #""content":"","tool_calls":[{"id":"c1","function":{"name":"add","arguments":{"x":1}}}]"#, "stop")
        case .reasoning: ollama(#""content":"","thinking":"I wonder.""#, "stop")
        case .length: ollama(text, "length")
        case .signature, .refusal, .stopText, .cachedTokens: nil
        }
    }

    private static func anthropic(_ blocks: String, _ reason: String, stop: String = "null") -> String {
        let start =
            #"{"type":"message_start","message":{"usage":{"input_tokens":20,"cache_read_input_tokens":5,"output_tokens":1}}}"#
        let end =
            #"{"type":"message_delta","delta":{"stop_reason":"\#(reason)","stop_sequence":\#(stop)},"usage":{"output_tokens":9}}"#
        return ([start] + blocks.split(separator: "\n").map(String.init) + [end, #"{"type":"message_stop"}"#])
            .map { "data: \($0)\n\n" }.joined()
    }

    static func anthropicStream(_ feature: ToldFeature) -> String? {
        let text = """
            {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Well."}}
            {"type":"content_block_stop","index":0}
            """
        let thought = """
            {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
            {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"I wonder."}}
            {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2lnbmVk"}}
            {"type":"content_block_stop","index":0}
            """
        let call = """
            {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"c1","name":"add","input":{}}}
            {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}
            {"type":"content_block_stop","index":0}
            """
        return switch feature {
        case .text, .cachedTokens: anthropic(text, "end_turn")
        case .calls: anthropic(call, "tool_use")
        case .reasoning, .signature: anthropic(thought, "end_turn")
        case .refusal: anthropic(text, "refusal")
        case .length: anthropic(text, "max_tokens")
        case .stopText: anthropic(text, "stop_sequence", stop: #""HALT""#)
        }
    }
}
