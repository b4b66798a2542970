// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

extension MatrixClient {
    static let anthropic = MatrixClient(
        name: "Anthropic Messages", kin: .anthropic,
        body: { feature in
            anthropic(feature).map {
                let limit = $0.contains("max_tokens") ? "" : #""max_tokens":9000,"#
                return "{\"model\":\"m\",\"stream\":true,\(limit)\($0)}"
            }
        },
        read: { try AnthropicMessagesRequest.read($0).chat },
        answer: { events in
            var encoder = AnthropicStreamEncoder(
                header: AnthropicAnswerHeader(id: "msg_1", model: "m", showsThoughts: true, stops: ["HALT"]))
            var bytes: [UInt8] = []
            for event in events {
                switch event {
                case .delta(let delta): encoder.append(delta, to: &bytes)
                case .finished(let finish, let usage): encoder.append(end: finish, usage, to: &bytes)
                case .raw, .rawEnd, .waiting, .comment: break
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        },
        tellingWords: { feature in
            switch feature {
            case .text: [#""type":"text_delta","text":"Well.""#, #""stop_reason":"end_turn""#]
            case .calls:
                [#""type":"tool_use","id":"c1","name":"add""#, "input_json_delta", #""stop_reason":"tool_use""#]
            case .reasoning: [#""type":"thinking_delta","thinking":"I wonder.""#]
            case .signature: [#""signature":"c2lnbmVk""#]
            case .refusal: [#""stop_reason":"refusal""#]
            case .length: [#""stop_reason":"max_tokens""#]
            case .stopText: [#""stop_reason":"stop_sequence""#, #""stop_sequence":"HALT""#]
            case .cachedTokens: [#""cache_read_input_tokens":5"#, #""input_tokens":20"#]
            }
        })

    private static let user = #"{"role":"user","content":"hi"}"#
    private static let tool =
        #""tools":[{"name":"add","description":"adds","input_schema":\#(Sample.parameters.written)}]"#

    private static func said(_ more: String) -> String { "\(more),\"messages\":[\(user)]" }

    private static func picture(_ source: String) -> String {
        #""messages":[{"role":"user","content":[{"type":"text","text":"see"},{"type":"image","source":\#(source)}]}]"#
    }

    private static func turn(_ thoughts: String) -> String {
        #""messages":[\#(user),{"role":"assistant","content":[\#(thoughts),{"type":"text","text":"Well."}]},\#(user)]"#
    }

    private static func results(_ calls: [String], _ results: [String]) -> String {
        let made = calls.map { #"{"type":"tool_use","id":"\#($0)","name":"add","input":{"x":1}}"# }
        let assistant = #"{"role":"assistant","content":[\#(made.joined(separator: ","))]}"#
        let told = #"{"role":"user","content":[\#(results.joined(separator: ","))]}"#
        return #"\#(tool),"messages":[\#(user),\#(assistant),\#(told)]"#
    }

    private static func anthropic(_ feature: AskedFeature) -> String? {
        switch feature {
        case .system: #""system":"one","messages":[\#(user)]"#
        case .systems:
            #""system":[{"type":"text","text":"one"},{"type":"text","text":"two"}],"messages":[\#(user)]"#
        case .laterSystem: #""messages":[\#(user),{"role":"system","content":"two"}]"#
        case .imageData: picture(#"{"type":"base64","media_type":"image/png","data":"QUJD"}"#)
        case .imageURL: picture(#"{"type":"url","url":"\#(Sample.pictureURL)"}"#)
        case .tools: said(tool)
        case .anyTool: said(tool + #","tool_choice":{"type":"any"}"#)
        case .namedTool: said(tool + #","tool_choice":{"type":"tool","name":"add"}"#)
        case .noTool: said(tool + #","tool_choice":{"type":"none"}"#)
        case .oneCall: said(tool + #","tool_choice":{"type":"auto","disable_parallel_tool_use":true}"#)
        case .parallelCalls:
            results(
                ["c1", "c2"],
                [
                    #"{"type":"tool_result","tool_use_id":"c2","content":"2"}"#,
                    #"{"type":"tool_result","tool_use_id":"c1","content":"1"}"#,
                ])
        case .failedTool:
            results(["c1"], [#"{"type":"tool_result","tool_use_id":"c1","content":"1","is_error":true}"#])
        case .toolPicture:
            results(
                ["c1"],
                [
                    #"{"type":"tool_result","tool_use_id":"c1","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}}]}"#
                ])
        case .reasoning: said(#""thinking":{"type":"enabled","budget_tokens":5000}"#)
        case .signedThoughts: turn(Sample.signedThought.written)
        case .plainThoughts: turn(#"{"type":"thinking","thinking":"I wonder.","signature":"kith"}"#)
        case .schema:
            said(#""output_config":{"format":{"type":"json_schema","schema":\#(Sample.schema.written)}}"#)
        case .stop: said(#""stop_sequences":["HALT"]"#)
        case .temperature: said(#""temperature":0.5"#)
        case .topP: said(#""top_p":0.25"#)
        case .topK: said(#""top_k":7"#)
        case .maxTokens: said(#""max_tokens":77"#)
        case .defaults: said(#""temperature":1,"top_p":1,"thinking":{"type":"disabled"},"tool_choice":{"type":"auto"}"#)
        case .json, .highTemperature, .seed, .penalties, .choices, .logprobs, .logitBias, .heard, .spoken: nil
        }
    }
}
