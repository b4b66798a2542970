// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

extension MatrixClient {
    static let openAI = MatrixClient(
        name: "OpenAI chat", kin: .openAI,
        body: { feature in openAI(feature).map { "{\"model\":\"m\",\"stream\":true,\($0)}" } },
        read: { try OpenAIChatRequest.read($0) },
        answer: { events in
            let encoder = OpenAIStreamEncoder(
                kind: .chat, header: OpenAIAnswerHeader(id: "c", created: 1, model: "m"), includesUsage: true)
            let bytes = events.flatMap { event -> [UInt8] in
                switch event {
                case .delta(let delta): encoder.delta(delta)
                case .finished(let finish, let usage): encoder.closing(finish, usage: usage)
                case .raw(let raw): raw.bytes
                case .rawEnd, .waiting, .comment: []
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        },
        tellingWords: { feature in
            switch feature {
            case .text: [#""content":"Well.""#]
            case .calls: [#""id":"c1""#, #""name":"add""#, #""index":0"#, #""finish_reason":"tool_calls""#]
            case .reasoning: [#""reasoning_content":"I wonder.""#]
            case .signature: [#""signature":"c2lnbmVk""#]
            case .refusal: [#""finish_reason":"content_filter""#]
            case .length: [#""finish_reason":"length""#]
            case .stopText: [#""matched_stop":"HALT""#, #""finish_reason":"stop""#]
            case .cachedTokens: [#""cached_tokens":5"#, #""prompt_tokens":25"#]
            }
        })

    private static let user = #"{"role":"user","content":"hi"}"#
    private static let tool =
        #""tools":[{"type":"function","function":{"name":"add","description":"adds","parameters":\#(Sample.parameters.written)}}]"#

    private static func said(_ more: String) -> String { "\(more),\"messages\":[\(user)]" }

    private static func part(_ part: String) -> String {
        #""messages":[{"role":"user","content":[{"type":"text","text":"see"},\#(part)]}]"#
    }

    private static func turn(_ members: String) -> String {
        #""messages":[\#(user),{"role":"assistant","content":"Well.",\#(members)},\#(user)]"#
    }

    private static func results(_ calls: [String], _ results: [String]) -> String {
        let made = calls.map { #"{"id":"\#($0)","type":"function","function":{"name":"add","arguments":"{\"x\":1}"}}"# }
        let assistant = #"{"role":"assistant","content":null,"tool_calls":[\#(made.joined(separator: ","))]}"#
        return #"\#(tool),"messages":[\#(([user, assistant] + results).joined(separator: ","))]"#
    }

    private static func openAI(_ feature: AskedFeature) -> String? {
        switch feature {
        case .system: #""messages":[{"role":"system","content":"one"},\#(user)]"#
        case .systems:
            #""messages":[{"role":"system","content":"one"},{"role":"developer","content":"two"},\#(user)]"#
        case .laterSystem: #""messages":[\#(user),{"role":"system","content":"two"}]"#
        case .imageData: part(#"{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}"#)
        case .imageURL: part(#"{"type":"image_url","image_url":{"url":"\#(Sample.pictureURL)"}}"#)
        case .tools: said(tool)
        case .anyTool: said(tool + #","tool_choice":"required""#)
        case .namedTool: said(tool + #","tool_choice":{"type":"function","function":{"name":"add"}}"#)
        case .noTool: said(tool + #","tool_choice":"none""#)
        case .oneCall: said(tool + #","parallel_tool_calls":false"#)
        case .parallelCalls:
            results(
                ["c1", "c2"],
                [
                    #"{"role":"tool","tool_call_id":"c2","content":"2"}"#,
                    #"{"role":"tool","tool_call_id":"c1","content":"1"}"#,
                ])
        case .toolPicture:
            results(
                ["c1"],
                [
                    #"{"role":"tool","tool_call_id":"c1","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}]}"#
                ])
        case .reasoning: said(#""reasoning_effort":"high""#)
        case .signedThoughts:
            turn(#""reasoning_content":"I wonder.","thinking_blocks":[\#(Sample.signedThought.written)]"#)
        case .plainThoughts: turn(#""reasoning_content":"I wonder.""#)
        case .schema:
            said(
                #""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":\#(Sample.schema.written)}}"#
            )
        case .json: said(#""response_format":{"type":"json_object"}"#)
        case .stop: said(#""stop":"HALT""#)
        case .temperature: said(#""temperature":0.5"#)
        case .highTemperature: said(#""temperature":1.5"#)
        case .topP: said(#""top_p":0.25"#)
        case .topK: said(#""top_k":7"#)
        case .seed: said(#""seed":3"#)
        case .maxTokens: said(#""max_completion_tokens":77"#)
        case .penalties: said(#""frequency_penalty":0.5,"presence_penalty":0.25"#)
        case .choices: said(#""n":2"#)
        case .logprobs: said(#""logprobs":true,"top_logprobs":2"#)
        case .logitBias: said(#""logit_bias":{"50":-100}"#)
        case .heard: part(#"{"type":"input_audio","input_audio":{"data":"QUJD","format":"wav"}}"#)
        case .spoken: said(#""modalities":["text","audio"],"audio":{"voice":"a","format":"wav"}"#)
        case .defaults:
            said(
                #""n":1,"frequency_penalty":0,"presence_penalty":0.0,"logprobs":false,"logit_bias":{},"seed":null,"#
                    + #""temperature":1,"top_p":1,"modalities":["text"],"tools":[],"response_format":{"type":"text"}"#)
        case .failedTool: nil
        }
    }
}
