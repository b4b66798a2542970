// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("A conversation in the terminal")
struct ChatTests {
    @Test(
        "A line is said, or is a command, or says what commands there are",
        arguments: [
            ("hello there", .say("hello there")), ("  hello  ", .say("hello")),
            ("//etc is a folder", .say("/etc is a folder")),
            ("", .nothing), ("/model code", .model("code")), ("/model", .model(nil)), ("/MODEL auto", .model(nil)),
            ("/node desk", .node(NodeName("desk"))), ("/node any", .node(nil)), ("/route", .route),
            ("/history", .history),
            ("/file my notes.txt", .file("my notes.txt")), ("/session kitchen", .session(SessionID("kitchen"))),
            ("/new", .session(nil)), ("/help", .help), ("/quit", .quit),
            ("/file", .refused("which file? /file PATH")), ("/node a b", .refused("'a b' is not a machine's name")),
            ("/modle x", .refused("there is no command /modle; /help lists them")),
        ] as [(String, ChatInput)])
    func lines(line: String, input: ChatInput) {
        #expect(ChatInput(line) == input)
    }

    @Test("A line that ends with a backslash goes on in the next one")
    func continuation() {
        var lines = ChatLines()
        #expect(lines.take("one\\") == nil)
        #expect(lines.isWithin)
        #expect(lines.take("two") == "one\ntwo")
        #expect(!lines.isWithin)
        #expect(lines.take("three") == "three")
    }

    private func event(_ name: String, _ data: String) -> ServerSentEvent { ServerSentEvent(name: name, data: data) }

    @Test("What a node tells of an answer is shown once, with who gave it, how fast, and who went on with it")
    func answer() throws {
        var transcript = ChatTranscript()
        let began =
            #"{"request":"1","node":"desk","model":"m","reason":"shortest-wait","skipped":[{"node":"old","reason":"down"}]}"#
        #expect(try transcript.take(event("waiting", #"{"text":"model loading"}"#)) == .note("waiting: model loading"))
        #expect(try transcript.take(event("waiting", #"{"text":"model loading"}"#)) == nil)
        #expect(try transcript.take(event("began", began)) == nil)
        #expect(try transcript.take(event("thought", #"{"text":"hm"}"#)) == .note("thinking"))
        #expect(try transcript.take(event("text", #"{"text":"Good "}"#)) == .text("Good "))
        let continued = #"{"node":"laptop","model":"m","after_tokens":1,"reason":"x","gap_ms":3}"#
        #expect(try transcript.take(event("continued", continued)) == nil)
        #expect(try transcript.take(event("text", #"{"text":"day"}"#)) == .text("day"))
        #expect(!transcript.isOver)
        let done = #"{"finish":"length","kept":true,"tokens_per_second":41.2,"first_token_ms":320}"#
        #expect(
            try transcript.take(event("done", done))
                == .note("laptop (m), 41 tokens/s, first token after 0.3 s, stopped at the token limit"))
        #expect(transcript.isOver && transcript.text == "Good day")
        #expect(
            transcript.route == ["desk (m): shortest-wait", "not old: down", "laptop (m) went on after 1 tokens"])
    }

    @Test("An answer that breaks off is an error with its reason, and nothing of it moves the cursor")
    func brokenOff() {
        var transcript = ChatTranscript()
        let error = #expect(throws: CommandError.self) {
            _ = try transcript.take(event("error", #"{"message":"the engine\u001b[2J broke","code":"interrupted"}"#))
        }
        #expect(error?.status == .cutOff && error?.message.contains("\u{1B}") == false)
        #expect(throws: CommandError.self) { _ = try transcript.take(event("text", "no JSON")) }
    }

    @Test(
        "A speed is told as exactly as anybody reads it",
        arguments: [
            (0.04, "0.0"), (0.36, "0.4"), (7.31, "7.3"), (9.96, "10"), (41.2, "41"), (1_234, "1234"), (.infinity, "?"),
            (-1, "?"),
        ])
    func paces(value: Double, text: String) {
        #expect(AnswerPace.text(value) == text)
    }
}
