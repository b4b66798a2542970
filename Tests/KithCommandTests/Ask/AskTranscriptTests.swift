// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("What kith ask reads")
struct AskTranscriptTests {
    private func chunk(_ content: String, finish: String = "null") -> ServerSentEvent {
        ServerSentEvent(
            data: #"{"model":"m","choices":[{"index":0,"delta":{"content":"\#(content)"},"finish_reason":\#(finish)}]}"#
        )
    }

    @Test("Pieces are given out in order, and the whole with its usage is kept")
    func whole() throws {
        var transcript = AskTranscript()
        var printed = ""
        for event in [
            ServerSentEvent(data: #"{"model":"m","choices":[{"index":0,"delta":{"role":"assistant"}}]}"#), chunk("Hel"),
            chunk("lo"), chunk("", finish: #""stop""#),
            ServerSentEvent(data: #"{"choices":[],"usage":{"total_tokens":5}}"#), ServerSentEvent(data: "[DONE]"),
            chunk("late"),
        ] { printed += try transcript.take(event) }
        try transcript.end()
        #expect(printed == "Hello")
        #expect(transcript.text == "Hello")
        #expect(transcript.model == "m")
        #expect(transcript.finishReason == "stop")
        #expect(transcript.usage?["total_tokens"] == 5)
    }

    @Test(
        "An error in the stream is an answer that was cut off, with the node's own words",
        arguments: [
            (#"{"error":{"message":"kin went away"}}"#, "kin went away"), (#"{"error":"gone"}"#, "gone"),
            (#"{"error":{}}"#, "the node gave no reason"), (#"{"error":{"message":"a\u001b[1m\nb"}}"#, "a␛[1m b"),
        ])
    func inBandError(data: String, reason: String) throws {
        var transcript = AskTranscript()
        _ = try transcript.take(chunk("part"))
        #expect(throws: CommandError(.cutOff, "the answer was cut off: \(reason)")) {
            _ = try transcript.take(ServerSentEvent(data: data))
        }
        #expect(transcript.text == "part")
    }

    @Test("Who went on with a broken-off answer is told, and adds nothing to it")
    func continued() throws {
        var transcript = AskTranscript()
        let note = #"{"continued":{"node":"lap\u001btop","after_tokens":12}}"#
        let event = ServerSentEvent(data: #"{"choices":[{"index":0,"delta":{}}],"x_kith":\#(note)}"#)
        #expect(try transcript.take(event) == "")
        #expect(transcript.continuationNote == "; lap␛top went on after 12 tokens")
        #expect(transcript.continuations.count == 1)
    }

    @Test("A stream that ends before the answer does is never taken for a whole answer")
    func cutOff() throws {
        var transcript = AskTranscript()
        _ = try transcript.take(chunk("part"))
        #expect(throws: CommandError.self) { try transcript.end() }
        #expect(throws: CommandError(.notAnswered, "the node's stream ended before the answer did")) {
            try AskTranscript().end()  // what has not begun was not cut off
        }
    }

    @Test(
        "What is not an event of a chat is refused or passed over, and never traps",
        arguments: [
            ("nonsense", false), ("[]", true), ("{}", true), (#"{"choices":[{}]}"#, true), (#"{"choices":{}}"#, true),
            (#"{"choices":[{"delta":{"content":5}}]}"#, true), ("", false), ("{\"a\":", false),
        ])
    func foreign(data: String, isPassedOver: Bool) {
        var transcript = AskTranscript()
        if isPassedOver {
            #expect(throws: Never.self) { _ = try transcript.take(ServerSentEvent(data: data)) }
        } else {
            #expect(throws: CommandError.self) { _ = try transcript.take(ServerSentEvent(data: data)) }
        }
        #expect(transcript.text.isEmpty)
    }

    @Test("The request is OpenAI's, streams and asks for usage")
    func request() throws {
        let bytes = try JSONBody.encode(
            AskRequest(turns: [.user(Question(text: "hi"))], maxTokens: 5, temperature: 0.5))
        let expected: JSONValue = [
            "model": "auto", "messages": [["role": "user", "content": "hi"]], "stream": true,
            "stream_options": ["include_usage": true], "max_tokens": 5, "temperature": 0.5,
        ]
        #expect(try JSONBody.decode(JSONValue.self, from: bytes) == expected)
    }

    @Test(
        "A refusal is told in the node's own words, whatever shape they come in",
        arguments: [
            (#"{"error":{"message":"model x is unknown"}}"#, "model x is unknown"), (#"{"error":"no"}"#, "no"),
            (#"{"detail":"Not Found"}"#, "Not Found"), (#"{"reason":"draining"}"#, "draining"),
        ])
    func refusals(body: String, message: String) {
        #expect(RefusalBody.message(status: 503, body: Array(body.utf8)) == message)
    }

    @Test("Whoever gives no reason is no node", arguments: ["<html>", "", "[1]", #"{"error":{"message":5}}"#])
    func foreign(body: String) {
        #expect(RefusalBody.message(status: 503, body: Array(body.utf8)).hasPrefix("what answers there is no node"))
    }
}
