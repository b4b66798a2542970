// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import Testing

@Suite("Forms with files")
struct MultipartFormTests {
    private static let type = "multipart/form-data; boundary=x1"

    private func form(_ text: String, type: String = MultipartFormTests.type) throws(ChatError) -> MultipartForm {
        try MultipartForm(Array(text.utf8), contentType: type)
    }

    private func value(_ part: MultipartForm.Part, of text: String) -> String {
        String(decoding: Array(text.utf8)[part.value], as: UTF8.self)
    }

    @Test("Its parts have a name and a value, and say whether they are files")
    func parts() throws {
        let text =
            "preamble\r\n--x1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--x1 \r\n"
            + "content-type: audio/wav\r\nCONTENT-DISPOSITION: form-data; name=file; filename=\"a;\\\"b.wav\"\r\n\r\n"
            + "RIFF\r\n--x2\r\n\0\r\n--x1\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--x1--\r\nepilogue"
        let parts = try form(text).parts
        #expect(parts.map(\.name) == ["model", "file", "empty"])
        #expect(parts.map(\.isFile) == [false, true, false])
        #expect(parts.map { value($0, of: text) } == ["whisper-1", "RIFF\r\n--x2\r\n\0", ""])
    }

    @Test(
        "The boundary may stand in quotes and among other parameters",
        arguments: [
            "multipart/form-data; boundary=\"x1\"", "multipart/form-data;boundary=x1; charset=utf-8",
            "Multipart/Form-Data; charset=\"a;b\"; Boundary=x1",
        ])
    func boundaries(type: String) throws {
        let text = "--x1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--x1--"
        #expect(try form(text, type: type).parts.map(\.name) == ["model"])
    }

    @Test(
        "What is no form is refused, and says what is wrong",
        arguments: [
            ("", "boundary does not occur"), ("--x2--", "boundary does not occur"), ("--x1", "does not end"),
            ("--x1\r\n", "does not end"),
            ("--x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv", "does not end"),
            ("--x1\r\nContent-Disposition: form-data; name=\"a\"\r\n--x1--", "does not end"),
            ("--x1\r\nContent-Type: text/plain\r\n\r\nv\r\n--x1--", "no name"), ("--x1junk\r\n\r\n", "does not end"),
            ("--x1\r\n" + String(repeating: "a: b\r\n", count: 5_000) + "\r\nv\r\n--x1--", "does not end"),
        ])
    func broken(text: String, words: String) {
        let failure = #expect(throws: ChatError.self) { try form(text) }
        #expect(failure?.code == .malformedRequest)
        #expect(failure?.message.contains(words) == true, "\(failure?.message ?? "")")
    }

    @Test(
        "A type without a boundary that can be one is refused",
        arguments: ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a ", ""])
    func types(type: String) {
        let failure = #expect(throws: ChatError.self) { try form("--x1--", type: type) }
        #expect(failure?.message.contains("no boundary") == true || failure?.message.contains("not occur") == true)
    }

    @Test("Too many parts are refused")
    func manyParts() {
        let part = "--x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n"
        let text = String(repeating: part, count: MultipartForm.partLimit + 1) + "--x1--"
        let failure = #expect(throws: ChatError.self) { try form(text) }
        #expect(failure?.message.contains("64 parts") == true)
    }

    @Test("Spoilt forms are refused or read, and never read past their end", arguments: [1, 2, 3] as [UInt64])
    func spoilt(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let whole = Array(
            "--x1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--x1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n\r\n--x1--\r\n"
                .utf8)
        for _ in 0..<500 {
            var bytes = Array(whole.prefix(.random(in: 0...whole.count, using: &generator)))
            for _ in 0..<3 where !bytes.isEmpty {
                bytes[.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            guard let form = try? MultipartForm(bytes, contentType: Self.type) else { continue }
            for part in form.parts { #expect(part.value.upperBound <= bytes.count) }
        }
    }
}
