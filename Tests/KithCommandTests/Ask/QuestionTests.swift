// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("What somebody asks on the command line")
struct QuestionTests {
    private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    @Test(
        "Words need no quotes, a - stands for what comes by a pipe, and without words that is all",
        arguments: [
            (["why", "is", "the", "sky", "blue?"], nil, "why is the sky blue?"),
            (["what could break?", "-"], "diff", "what could break?\n\ndiff"),
            (["-", "what could break?"], "diff", "diff\n\nwhat could break?"),
            (["compare", "-", "with", "that"], "this", "compare\n\nthis\n\nwith that"),
            ([], "all", "all"), (["-"], "all", "all"),
        ] as [([String], String?, String)])
    func words(words: [String], input: String?, text: String) throws {
        #expect(try Question(words: words, input: input).text == text)
    }

    @Test("A file of text is told with its name, and a picture is sent as one")
    func files() throws {
        let question = try Question(
            words: ["explain"], input: nil,
            files: [AskedFile(name: "a.swift", bytes: Array("let a = 1".utf8)), AskedFile(name: "b", bytes: Self.png)])
        #expect(question.text == "explain\n\nFile a.swift:\n\nlet a = 1")
        #expect(question.pictures.map(\.type) == ["image/png"])
        let body = try JSONBody.decode(
            JSONValue.self, from: JSONBody.encode(AskRequest(turns: [.user(question)])))
        let parts = try #require(body["messages"]?.arrayValue?.first?["content"]?.arrayValue)
        #expect(parts.map { $0["type"]?.stringValue } == ["text", "image_url"])
        #expect(parts[1]["image_url"]?["url"]?.stringValue == "data:image/png;base64,iVBORw0KGgo=")
    }

    @Test(
        "The kind of a picture is seen by how it begins",
        arguments: [
            ([0xFF, 0xD8, 0xFF, 0xE0], "image/jpeg"), (Array("GIF89a".utf8), "image/gif"),
            (Array("RIFF\0\0\0\0WEBPVP8 ".utf8), "image/webp"), (Array("RIFF\0\0\0\0WAVE".utf8), nil), ([], nil),
        ] as [([UInt8], String?)])
    func kinds(bytes: [UInt8], type: String?) {
        #expect(Picture(bytes)?.type == type)
    }

    @Test(
        "No question, and files that no model reads, are refused in words",
        arguments: [
            ([], nil, [], "no prompt"), (["  "], nil, [], "no prompt"), (["-"], "", [], "no prompt"),
            (["x"], nil, [[0, 1, 2]], "neither text"), (["x"], nil, [[0xFF, 0xFE]], "neither text"),
            (["x"], nil, [Array(repeating: 0x61, count: Question.longestText)], "longer than"),
        ] as [([String], String?, [[UInt8]], String)])
    func refused(words: [String], input: String?, files: [[UInt8]], why: String) {
        let error = #expect(throws: CommandError.self) {
            _ = try Question(words: words, input: input, files: files.map { AskedFile(name: "f", bytes: $0) })
        }
        #expect(error?.status == .usage)
        #expect(error?.message.contains(why) == true)
    }
}
