// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("Events that differ in their text only")
struct OpenAIEventTemplateTests {
    private static let fallback = OpenAIAnswerHeader(id: "f", created: 1, model: "f")

    /// The events of an answer whose every piece is `content`, written as it stands between the quotes.
    private func read(_ contents: [String]) throws -> (bytes: String, text: String, tokens: Int, finish: FinishReason?)
    {
        var reader = OpenAIEventReader(kind: .chat, mode: .raw(includesUsage: false), fallback: Self.fallback)
        var events: [ChatEvent] = []
        for content in contents {
            let event =
                #"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"#
                + #""delta":{"content":"\#(content)"},"finish_reason":null}]}"#
            try reader.feed(Array("data: \(event)\n\n".utf8), into: &events)
        }
        try reader.feed(Array("data: [DONE]\n\n".utf8), into: &events)
        var bytes: [UInt8] = []
        var (text, tokens, finish) = ("", 0, nil as FinishReason?)
        for case .raw(let raw) in events {
            bytes += raw.bytes
            text += raw.text
            tokens += raw.tokens
            finish = raw.finish ?? finish
        }
        return (String(decoding: bytes, as: UTF8.self), text, tokens, finish)
    }

    @Test("Are passed on as they came, and their text and number known")
    func passed() throws {
        let contents = ["one", " two", "", #"\n\"three\""#, "ü 🙂", #"\u00e9"#]
        let heard = try read(contents)
        #expect(heard.text == "one two\n\"three\"ü 🙂é")
        #expect(heard.tokens == 5)
        #expect(heard.bytes.split(separator: "\n\n").count == contents.count)
        for content in contents { #expect(heard.bytes.contains(#""content":"\#(content)""#)) }
    }

    @Test("One whose text ends early says something else, which is not overlooked")
    func disguised() throws {
        let heard = try read(["one", #"two"},"finish_reason":"length"}],"x":[{"y":{"z":""#, " three"])
        #expect(heard.text == "onetwo three")
        #expect(heard.finish == .length)
    }

    @Test("Characters at which some clients split lines are written as escapes also in the later ones")
    func separators() throws {
        let heard = try read(["one", "a\u{2028}b", "\u{85}", "c"])
        #expect(!heard.bytes.unicodeScalars.contains { ["\u{2028}", "\u{85}"].contains($0) })
        #expect(heard.text == "onea\u{2028}b\u{85}c")
    }

    @Test(
        "What is no string is refused, though it stands between the same bytes", arguments: ["a\u{1}", #"\x"#, #"\"#])
    func spoilt(content: String) throws {
        #expect(throws: ChatError.self) { try read(["one", content]) }
    }
}
