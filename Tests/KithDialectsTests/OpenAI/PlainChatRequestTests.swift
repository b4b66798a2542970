// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import Testing

/// The decoder is the measure: what is read in one pass is what it decodes, or nothing.
struct PlainChatRequestTests {
    @Test(
        "What chat clients send is read in one pass",
        arguments: [
            #"{"model":"m","messages":[{"role":"user","content":"Say hello."}]}"#,
            #" { "messages" : [ { "content" : "a" , "role" : "system" } , {"role":"user","content":"b"} ] } "#,
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"include_usage":true}}"#,
            #"{"messages":[{"role":"user","content":"q"}],"temperature":0.7,"top_p":1,"max_tokens":16,"seed":-7,"n":1}"#,
            #"{"messages":[{"role":"user","content":"q"}],"max_tokens":16,"max_completion_tokens":32}"#,
            #"{"messages":[{"role":"user","content":"q"}],"frequency_penalty":-0.5,"presence_penalty":2,"stream":false}"#,
            #"{"model":"","messages":[{"role":"assistant","content":"caf\u00e9 \ud83d\ude00 \"quoted\"\n\t\/\\ \b\f\r"}]}"#,
            #"{"messages":[{"role":"user","content":"Grüße, 世界 😀"}]}"#,
            #"{"messages":[]}"#,
            #"{"messages":[{"role":"user","content":"q"}],"temperature":-0,"seed":0}"#,
        ])
    func plain(_ text: String) throws {
        let read = try #require(OpenAIChatRequest.plain(Array(text.utf8)))
        expectSame(read, try JSONBody.decode(OpenAIChatRequest.self, from: text.utf8))
    }

    @Test(
        "What is unusual or wrong is left to the decoder",
        arguments: [
            "", "{", "[]", "null", "{}", #"{"messages":{}}"#, #"{"messages":[{"role":"user"}]}"#,
            #"{"messages":[{"role":"emperor","content":"q"}]}"#,
            #"{"messages":[{"role":"user","content":null}]}"#,
            #"{"messages":[{"role":"user","content":[{"type":"text","text":"q"}]}]}"#,
            #"{"messages":[{"role":"user","content":"q","name":"n"}]}"#,
            #"{"messages":[{"role":"user","content":"q","content":"r"}]}"#,
            #"{"messages":[{"role":"user","content":"q"}],"model":"a","model":"b"}"#,
            #"{"messages":[{"role":"user","content":"q"}],"tools":[]}"#,
            #"{"messages":[{"role":"user","content":"q"}],"temperature":1e0}"#,
            #"{"messages":[{"role":"user","content":"q"}],"temperature":01}"#,
            #"{"messages":[{"role":"user","content":"q"}],"temperature":1.}"#,
            #"{"messages":[{"role":"user","content":"q"}],"max_tokens":1.5}"#,
            #"{"messages":[{"role":"user","content":"q"}],"max_tokens":9223372036854775808}"#,
            #"{"messages":[{"role":"user","content":"q"}],"stream":1}"#,
            #"{"messages":[{"role":"user","content":"q"}],"stream":truer}"#,
            #"{"messages":[{"role":"user","content":"q"}]} {}"#,
            #"{"messages":[{"role":"user","content":"q"}],}"#,
            #"{"messages":[{"role":"user","content":"\ud83d"}]}"#,
            #"{"messages":[{"role":"user","content":"\ude00\ud83d"}]}"#,
            #"{"messages":[{"role":"user","content":"\x"}]}"#,
            #"{"messages":[{"role":"user","content":"\u12"}]}"#,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"a\nb\"}]}",
        ])
    func unusual(_ text: String) { #expect(OpenAIChatRequest.plain(Array(text.utf8)) == nil) }

    @Test("Bytes that are no UTF-8 are left to the decoder")
    func invalidText() {
        let bytes = Array(#"{"messages":[{"role":"user","content":""#.utf8) + [0xC3, 0x28] + Array(#""}]}"#.utf8)
        #expect(OpenAIChatRequest.plain(bytes) == nil)
    }

    @Test("Whatever is read in one pass of spoilt bodies, the decoder reads too", arguments: 0..<20 as Range<UInt64>)
    func spoilt(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let fields = [
            #""model":"m\u00e9 😀""#, #""stream":false"#, #""temperature":0.25"#, #""max_tokens":12"#, #""seed":3"#,
            #""stream_options":{"include_usage":false}"#, #""n":1"#, #""top_p":0.5"#, #""presence_penalty":-1"#,
            #""messages":[{"role":"user","content":"a \"b\" \\ \u00df \ud83d\ude00"},{"content":"c","role":"tool"}]"#,
        ]
        var readInOnePass = 0
        for _ in 0..<2_000 {
            let chosen = fields.shuffled(using: &generator).prefix(Int.random(in: 5...10, using: &generator))
            let body = Array("{\(chosen.joined(separator: ","))}".utf8)
            let bytes = Bool.random(using: &generator) ? Mutations.spoil(body, using: &generator) : body
            guard let read = OpenAIChatRequest.plain(bytes) else { continue }
            readInOnePass += 1
            do {
                expectSame(read, try JSONBody.decode(OpenAIChatRequest.self, from: bytes))
            } catch {
                Issue.record("seed \(seed): the decoder refuses \(String(decoding: bytes, as: UTF8.self)): \(error)")
            }
        }
        #expect(readInOnePass > 500, "seed \(seed)")
    }

    private func expectSame(
        _ read: OpenAIChatRequest, _ decoded: OpenAIChatRequest, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(read.model == decoded.model, sourceLocation: sourceLocation)
        #expect(read.messages == decoded.messages, sourceLocation: sourceLocation)
        #expect(read.options == decoded.options, sourceLocation: sourceLocation)
    }
}
