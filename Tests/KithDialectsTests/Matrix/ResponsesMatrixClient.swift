// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension MatrixClient {
    static let responses = MatrixClient(
        name: "OpenAI Responses", kin: nil,
        body: { feature in responses(feature).map { "{\"model\":\"m\",\"stream\":true,\"store\":false,\($0)}" } },
        read: { try ResponsesRequest.read($0).prepared(createdAt: 1).chat },
        answer: { events in
            let asked = #"{"model":"m","input":"hi","store":false,"include":["reasoning.encrypted_content"]}"#
            guard let prepared = try? ResponsesRequest.read(Array(asked.utf8)).prepared(createdAt: 1) else { return "" }
            var encoder = ResponsesStreamEncoder(header: prepared.header)
            var bytes: [UInt8] = []
            for event in events {
                switch event {
                case .delta(let delta): encoder.append(delta, to: &bytes)
                case .finished(let finish, let usage):
                    let ending = encoder.end(finish, usage, to: &bytes)
                    encoder.append(ending, to: &bytes)
                case .raw, .rawEnd, .waiting, .comment: break
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        },
        tellingWords: { feature in
            switch feature {
            case .text: ["response.output_text.delta", #""delta":"Well.""#, "event: response.completed"]
            case .calls:
                [
                    #""type":"function_call","status":"completed","call_id":"c1","name":"add""#,
                    "response.function_call_arguments.done", "event: response.completed",
                ]
            case .reasoning: ["response.reasoning_summary_text.delta", #""delta":"I wonder.""#]
            case .signature: [#""encrypted_content":"\#(sealed)""#]
            case .refusal: ["event: response.incomplete", #""incomplete_details":{"reason":"content_filter"}"#]
            case .length: ["event: response.incomplete", #""incomplete_details":{"reason":"max_output_tokens"}"#]
            case .cachedTokens: [#""cached_tokens":5"#, #""input_tokens":25"#]
            case .stopText: nil
            }
        })

    /// The signed thought in the form in which it comes and goes.
    private static let sealed =
        "kith.signed." + Data(JSONValue.array([Sample.signedThought]).jsonBytes).base64EncodedString()

    private static let user = #"{"role":"user","content":"hi"}"#
    private static let tool =
        #""tools":[{"type":"function","name":"add","description":"adds","parameters":\#(Sample.parameters.written)}]"#

    private static func said(_ more: String) -> String { "\(more),\"input\":\"hi\"" }

    private static func part(_ part: String) -> String {
        #""input":[{"role":"user","content":[{"type":"input_text","text":"see"},\#(part)]}]"#
    }

    private static func turn(_ members: String) -> String {
        let thoughts = #"{"type":"reasoning","id":"rs_1",\#(members)}"#
        let answer =
            #"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Well.","annotations":[]}]}"#
        return #""input":[\#(user),\#(thoughts),\#(answer),\#(user)]"#
    }

    private static func results(_ calls: [String], _ results: [String]) -> String {
        let made = calls.map {
            #"{"type":"function_call","id":"fc_\#($0)","call_id":"\#($0)","name":"add","arguments":"{\"x\":1}"}"#
        }
        return #"\#(tool),"input":[\#(([user] + made + results).joined(separator: ","))]"#
    }

    private static func responses(_ feature: AskedFeature) -> String? {
        switch feature {
        case .system: said(#""instructions":"one""#)
        case .systems: #""instructions":"one","input":[{"role":"developer","content":"two"},\#(user)]"#
        case .laterSystem: #""input":[\#(user),{"role":"developer","content":"two"}]"#
        case .imageData: part(#"{"type":"input_image","image_url":"data:image/png;base64,QUJD"}"#)
        case .imageURL: part(#"{"type":"input_image","image_url":"\#(Sample.pictureURL)"}"#)
        case .tools: said(tool)
        case .anyTool: said(tool + #","tool_choice":"required""#)
        case .namedTool: said(tool + #","tool_choice":{"type":"function","name":"add"}"#)
        case .noTool: said(tool + #","tool_choice":"none""#)
        case .oneCall: said(tool + #","parallel_tool_calls":false"#)
        case .parallelCalls:
            results(
                ["c1", "c2"],
                [
                    #"{"type":"function_call_output","call_id":"c2","output":"2"}"#,
                    #"{"type":"function_call_output","call_id":"c1","output":"1"}"#,
                ])
        case .toolPicture:
            results(
                ["c1"],
                [
                    #"{"type":"function_call_output","call_id":"c1","output":[{"type":"input_image","image_url":"data:image/png;base64,QUJD"}]}"#
                ])
        case .reasoning: said(#""reasoning":{"effort":"high","summary":"auto"}"#)
        case .signedThoughts:
            turn(#""summary":[{"type":"summary_text","text":"I wonder."}],"encrypted_content":"\#(sealed)""#)
        case .plainThoughts: turn(#""summary":[{"type":"summary_text","text":"I wonder."}]"#)
        case .schema:
            said(#""text":{"format":{"type":"json_schema","name":"a","schema":\#(Sample.schema.written)}}"#)
        case .json: said(#""text":{"format":{"type":"json_object"}}"#)
        case .temperature: said(#""temperature":0.5"#)
        case .highTemperature: said(#""temperature":1.5"#)
        case .topP: said(#""top_p":0.25"#)
        case .maxTokens: said(#""max_output_tokens":77"#)
        case .penalties: said(#""frequency_penalty":0.5,"presence_penalty":0.25"#)
        case .logprobs: said(#""include":["message.output_text.logprobs"],"top_logprobs":2"#)
        case .heard: part(#"{"type":"input_audio","input_audio":{"data":"QUJD","format":"wav"}}"#)
        case .defaults:
            said(
                #""temperature":1,"top_p":1,"frequency_penalty":0,"presence_penalty":0.0,"top_logprobs":0,"tools":[],"#
                    + #""tool_choice":"auto","parallel_tool_calls":true,"text":{"format":{"type":"text"}},"include":[],"#
                    + #""reasoning":{"effort":null,"summary":null},"truncation":"disabled","background":false,"#
                    + #""max_output_tokens":null,"service_tier":"auto","metadata":{}"#)
        case .failedTool, .stop, .topK, .seed, .choices, .logitBias, .spoken: nil
        }
    }
}
