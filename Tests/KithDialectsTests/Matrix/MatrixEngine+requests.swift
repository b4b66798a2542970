// SPDX-License-Identifier: Apache-2.0

import KithModel

extension MatrixEngine {
    static func openAICarries(_ feature: AskedFeature, _ body: JSONValue) -> Bool {
        func has(_ path: String, _ value: JSONValue) -> Bool { body.at(path) == value }
        func systems(_ place: Int) -> String { body.at("messages.\(place).content")?.stringValue ?? "" }
        switch feature {
        case .system: return has("messages.0", ["role": "system", "content": "one"])
        case .systems: return systems(0).hasPrefix("one") && (systems(0) + systems(1)).contains("two")
        case .laterSystem: return has("messages.1", ["role": "system", "content": "two"])
        case .imageData: return has("messages.0.content.1.image_url.url", "data:image/png;base64,QUJD")
        case .imageURL: return has("messages.0.content.1.image_url.url", .string(Sample.pictureURL))
        case .tools: return has("tools.0.function.name", "add") && has("tools.0.function.parameters", Sample.parameters)
        case .anyTool: return has("tool_choice", "required")
        case .namedTool: return has("tool_choice.function.name", "add")
        case .noTool: return has("tool_choice", "none")
        case .oneCall: return has("parallel_tool_calls", false)
        case .parallelCalls:
            return has("messages.1.tool_calls.0.id", "c1") && has("messages.1.tool_calls.1.id", "c2")
                && has("messages.2.tool_call_id", "c2") && has("messages.3.tool_call_id", "c1")
        case .failedTool: return isFailure(body.at("messages.2.content"))
        case .toolPicture: return body.written.contains(#""image_url":{"url":"data:image/png;base64,QUJD"}"#)
        case .reasoning: return ["medium", "high"].contains(body.at("reasoning_effort")?.stringValue)
        case .signedThoughts, .plainThoughts: return has("messages.1.reasoning_content", .string(Sample.thought))
        case .schema: return has("response_format.json_schema.schema", Sample.schema)
        case .json: return has("response_format.type", "json_object")
        case .stop: return has("stop", "HALT") || has("stop", ["HALT"])
        case .temperature: return has("temperature", 0.5)
        case .highTemperature: return has("temperature", 1.5)
        case .topP: return has("top_p", 0.25)
        case .topK: return has("top_k", 7)
        case .seed: return has("seed", 3)
        case .maxTokens: return has("max_tokens", 77) || has("max_completion_tokens", 77)
        case .penalties: return has("frequency_penalty", 0.5) && has("presence_penalty", 0.25)
        case .choices: return has("n", 2)
        case .logprobs: return has("logprobs", true) && has("top_logprobs", 2)
        case .logitBias: return has("logit_bias.50", -100)
        case .heard: return has("messages.0.content.1.input_audio.data", "QUJD")
        case .spoken: return has("modalities.1", "audio")
        case .defaults: return has("messages.0.content", "hi")
        }
    }

    static func ollamaCarries(_ feature: AskedFeature, _ body: JSONValue) -> Bool {
        func has(_ path: String, _ value: JSONValue) -> Bool { body.at(path) == value }
        switch feature {
        case .system, .systems, .laterSystem, .failedTool, .noTool: break
        case .imageData: return has("messages.0.images", ["QUJD"])
        case .imageURL: return body.written.contains(Sample.pictureURL)
        case .tools: return has("tools.0.function.name", "add") && has("tools.0.function.parameters", Sample.parameters)
        case .anyTool, .namedTool, .oneCall, .choices, .logitBias, .heard, .spoken: return false
        case .parallelCalls:
            return has("messages.1.tool_calls.0.id", "c1") && has("messages.1.tool_calls.1.id", "c2")
                && has("messages.2.tool_call_id", "c2") && has("messages.3.tool_call_id", "c1")
                && has("messages.2.tool_name", "add")
        case .toolPicture: return body.written.contains(#""images":["QUJD"]"#)
        case .reasoning: return has("think", true)
        case .signedThoughts, .plainThoughts: return has("messages.1.thinking", .string(Sample.thought))
        case .schema: return has("format", Sample.schema)
        case .json: return has("format", "json")
        case .stop: return has("options.stop", ["HALT"])
        case .temperature: return has("options.temperature", 0.5)
        case .highTemperature: return has("options.temperature", 1.5)
        case .topP: return has("options.top_p", 0.25)
        case .topK: return has("options.top_k", 7)
        case .seed: return has("options.seed", 3)
        case .maxTokens: return has("options.num_predict", 77)
        case .penalties: return has("options.frequency_penalty", 0.5) && has("options.presence_penalty", 0.25)
        case .logprobs: return has("logprobs", true) && has("top_logprobs", 2)
        case .defaults: return has("messages.0.content", "hi")
        }
        // Messages are as OpenAI's; to offer no tools is to forbid them.
        return feature == .noTool ? body.at("tools") == nil : openAICarries(feature, body)
    }

    static func anthropicCarries(_ feature: AskedFeature, _ body: JSONValue) -> Bool {
        func has(_ path: String, _ value: JSONValue) -> Bool { body.at(path) == value }
        switch feature {
        case .system: return has("system.0.text", "one")
        case .systems:
            let texts = (body.at("system")?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.joined()
            return texts.hasPrefix("one") && texts.hasSuffix("two")
        case .laterSystem: return has("messages.0.content.1.text", "<system>\ntwo\n</system>")
        case .imageData:
            return has(
                "messages.0.content.1.source", ["type": "base64", "media_type": "image/png", "data": "QUJD"])
        case .imageURL:
            return has("messages.0.content.1.source", ["type": "url", "url": .string(Sample.pictureURL)])
        case .tools: return has("tools.0.name", "add") && has("tools.0.input_schema", Sample.parameters)
        case .anyTool: return has("tool_choice.type", "any")
        case .namedTool: return has("tool_choice.name", "add")
        case .noTool: return has("tool_choice.type", "none")
        case .oneCall: return has("tool_choice.disable_parallel_tool_use", true)
        case .parallelCalls:
            return has("messages.1.content.0.id", "c1") && has("messages.1.content.1.id", "c2")
                && has("messages.1.content.0.input", ["x": 1]) && has("messages.2.content.0.tool_use_id", "c2")
                && has("messages.2.content.1.tool_use_id", "c1")
        case .failedTool: return has("messages.2.content.0.is_error", true)
        case .toolPicture: return body.at("messages.2")?.written.contains(#""data":"QUJD""#) == true
        case .reasoning:
            return has("thinking.type", "enabled") && (body.at("thinking.budget_tokens")?.intValue ?? 0) >= 1_024
        case .signedThoughts: return has("messages.1.content.0", Sample.signedThought)
        case .plainThoughts: return body.written.contains(Sample.thought)
        case .schema: return has("output_config.format", ["type": "json_schema", "schema": Sample.schema])
        case .stop: return has("stop_sequences", ["HALT"])
        case .temperature: return has("temperature", 0.5)
        case .highTemperature: return body.at("temperature") == nil  // 1, the highest, is the default
        case .topP: return has("top_p", 0.25)
        case .topK: return has("top_k", 7)
        case .maxTokens: return has("max_tokens", 77)
        case .defaults: return has("messages.0.content.0.text", "hi")
        case .json, .seed, .penalties, .choices, .logprobs, .logitBias, .heard, .spoken: return false
        }
    }
}
