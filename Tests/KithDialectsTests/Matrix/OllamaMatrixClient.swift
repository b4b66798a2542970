// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

extension MatrixClient {
    static let ollama = MatrixClient(
        name: "Ollama", kin: .ollama,
        body: { feature in ollama(feature).map { "{\"model\":\"m\",\($0)}" } },
        read: { try OllamaChatRequest.readChat($0).chat },
        answer: { events in
            let times = OllamaTimes(total: .seconds(2), first: .seconds(1))
            var encoder = OllamaStreamEncoder(header: OllamaAnswerHeader(route: .chat, model: "m"))
            var bytes: [UInt8] = []
            for event in events {
                switch event {
                case .delta(let delta): encoder.append(delta, at: .epoch, to: &bytes)
                case .finished(let finish, let usage):
                    encoder.append(end: finish, usage, times, at: .epoch, to: &bytes)
                case .raw, .rawEnd, .waiting, .comment: break
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        },
        tellingWords: { feature in
            switch feature {
            case .text: [#""content":"Well.""#, #""done":true,"done_reason":"stop""#]
            case .calls:
                [
                    #""tool_calls":[{"id":"c1","function":{"index":0,"name":"add","arguments":{"#,
                    #""done_reason":"stop""#,
                ]
            case .reasoning: [#""thinking":"I wonder.""#]
            case .refusal: [#""done_reason":"content_filter""#]
            case .length: [#""done_reason":"length""#]
            case .signature, .stopText, .cachedTokens: nil
            }
        })

    private static let user = #"{"role":"user","content":"hi"}"#
    private static let tool =
        #""tools":[{"type":"function","function":{"name":"add","description":"adds","parameters":\#(Sample.parameters.written)}}]"#

    private static func said(_ more: String) -> String { "\(more),\"messages\":[\(user)]" }

    private static func chosen(_ options: String) -> String { said("\"options\":{\(options)}") }

    private static func results(_ calls: [String], _ results: [String]) -> String {
        let made = calls.map { #"{"id":"\#($0)","function":{"name":"add","arguments":{"x":1}}}"# }
        let assistant = #"{"role":"assistant","content":"","tool_calls":[\#(made.joined(separator: ","))]}"#
        return #"\#(tool),"messages":[\#(([user, assistant] + results).joined(separator: ","))]"#
    }

    private static func ollama(_ feature: AskedFeature) -> String? {
        switch feature {
        case .system: #""messages":[{"role":"system","content":"one"},\#(user)]"#
        case .systems: #""messages":[{"role":"system","content":"one"},{"role":"system","content":"two"},\#(user)]"#
        case .laterSystem: #""messages":[\#(user),{"role":"system","content":"two"}]"#
        case .imageData: #""messages":[{"role":"user","content":"see","images":["QUJD"]}]"#
        case .tools: said(tool)
        case .parallelCalls:
            results(
                ["c1", "c2"],
                [
                    #"{"role":"tool","tool_name":"add","tool_call_id":"c2","content":"2"}"#,
                    #"{"role":"tool","tool_name":"add","tool_call_id":"c1","content":"1"}"#,
                ])
        case .toolPicture:
            results(
                ["c1"],
                [#"{"role":"tool","tool_name":"add","tool_call_id":"c1","content":"","images":["QUJD"]}"#])
        case .reasoning: said(#""think":true"#)
        case .plainThoughts:
            #""messages":[\#(user),{"role":"assistant","content":"Well.","thinking":"I wonder."},\#(user)]"#
        case .schema: said(#""format":\#(Sample.schema.written)"#)
        case .json: said(#""format":"json""#)
        case .stop: chosen(#""stop":["HALT"]"#)
        case .temperature: chosen(#""temperature":0.5"#)
        case .highTemperature: chosen(#""temperature":1.5"#)
        case .topP: chosen(#""top_p":0.25"#)
        case .topK: chosen(#""top_k":7"#)
        case .seed: chosen(#""seed":3"#)
        case .maxTokens: chosen(#""num_predict":77"#)
        case .penalties: chosen(#""frequency_penalty":0.5,"presence_penalty":0.25"#)
        case .logprobs: said(#""logprobs":true,"top_logprobs":2"#)
        case .defaults:
            said(
                #""options":{"num_predict":-1,"temperature":0.8,"top_p":0.9,"top_k":40,"min_p":0,"seed":-1,"stop":[],"#
                    + #""repeat_penalty":1.1,"frequency_penalty":0,"presence_penalty":0.0},"format":"","tools":[],"#
                    + #""keep_alive":"5m","think":null,"logprobs":false,"top_logprobs":0"#)
        case .imageURL, .anyTool, .namedTool, .noTool, .oneCall, .failedTool, .signedThoughts, .choices, .logitBias,
            .heard, .spoken:
            nil
        }
    }
}
