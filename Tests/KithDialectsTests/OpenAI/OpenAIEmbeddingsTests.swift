// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import Testing

@Suite("Embeddings in OpenAI's dialect")
struct OpenAIEmbeddingsTests {
    @Test(
        "Inputs of every form are read, and counted",
        arguments: [
            (#""a""#, 1, ["a"]), (#"["a","b"]"#, 2, ["a", "b"]), ("[1,2,3]", 1, []), ("[[1],[2,3]]", 2, []),
        ])
    func inputs(input: String, count: Int, texts: [String]) throws {
        let bytes = Array(#"{"model":"m","input":\#(input),"encoding_format":"base64","x":1}"#.utf8)
        let read = try OpenAIEmbeddingRequest.read(bytes)
        #expect(read.request.inputCount == count)
        #expect(read.request.inputs == texts)
        #expect(read.request.body?.bytes == bytes)
        #expect(read.encoding == .base64)
    }

    @Test(
        "What cannot be embedded is refused by name",
        arguments: [
            ("{}", "input"), (#"{"input":[]}"#, "input"), (#"{"input":[true]}"#, "input.0"),
            (#"{"input":{}}"#, "input"),
            (#"{"input":["a",1]}"#, "input"), (#"{"input":"a","encoding_format":"x"}"#, "encoding_format"),
            (#"{"input":"a","dimensions":"x"}"#, "dimensions"),
        ])
    func refusals(text: String, field: String) {
        let failure = #expect(throws: ChatError.self) { try OpenAIEmbeddingRequest.read(Array(text.utf8)) }
        #expect(failure?.field == field)
    }

    @Test("Numbers survive base64, of which clients and engines write the same", arguments: 0..<9)
    func base64(count: Int) {
        let numbers: [Float] = [0, -0.0, 1, -1.5, 0.1, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 3e-20, 7]
        let some = Array(numbers.prefix(count))
        #expect(Base64Floats.decode(Base64Floats.encode(some).utf8)?.map(\.bitPattern) == some.map(\.bitPattern))
        #expect(Base64Floats.encode([1, -2]) == "AACAPwAAAMA=")
        #expect(Base64Floats.decode("AACAPwAAAMA=".utf8) == [1, -2])
        for wrong in ["AACAP!", "AAA", "é"] { #expect(Base64Floats.decode(wrong.utf8) == nil) }
    }

    private static let answer =
        #"{"object":"list","id":"e-1","data":[{"object":"embedding","index":1,"embedding":[1, -2.5e0],"x":[1]},{"embedding":[0.1,3],"index":0}],"model":"m","usage":{"prompt_tokens":4.0,"total_tokens":4}}"#

    @Test("Vectors are read in the order of the inputs, in either encoding")
    func vectors() throws {
        let read = try OpenAIEmbeddings.vectors(in: Array(Self.answer.utf8))
        #expect(read.vectors == [[0.1, 3], [1, -2.5]])
        #expect(read.promptTokens == 4)
        let encoded = try OpenAIEmbeddings.converted(Array(Self.answer.utf8), to: .base64)
        #expect(try OpenAIEmbeddings.vectors(in: encoded) == read)
        let text = String(decoding: encoded, as: UTF8.self)
        #expect(text.contains(#"{"object":"embedding","index":1,"embedding":"AACAPwAAIMA=","x":[1]}"#))
        #expect(text.hasPrefix(#"{"object":"list","id":"e-1","data":["#))
        let decoded = try OpenAIEmbeddings.converted(encoded, to: .float)
        #expect(try OpenAIEmbeddings.vectors(in: decoded) == read)
        #expect(try OpenAIEmbeddings.converted(Array(Self.answer.utf8), to: .float) == Array(Self.answer.utf8))
        let answer = EmbeddingAnswer(model: "m", vectors: read.vectors, promptTokens: 4)
        for encoding in [OpenAIEmbeddings.Encoding.float, .base64] {
            #expect(try OpenAIEmbeddings.vectors(in: OpenAIEmbeddings.body(answer, encoding: encoding)) == read)
        }
    }

    @Test(
        "What is no such answer is told",
        arguments: [
            ("", ChatError.Code.invalidAnswer), ("{}", .invalidAnswer), (#"{"data":[{}]}"#, .invalidAnswer),
            (#"{"data":[{"embedding":["x"]}]}"#, .invalidAnswer), (#"{"data":[{"embedding":"!"}]}"#, .invalidAnswer),
            (#"{"error":{"message":"x"}}"#, .engineError),
        ])
    func failures(text: String, code: ChatError.Code) {
        let failure = #expect(throws: ChatError.self) { try OpenAIEmbeddings.vectors(in: Array(text.utf8)) }
        #expect(failure?.code == code)
    }

    @Test("Spoilt answers are read or refused in words, and never trap", arguments: 1...10 as ClosedRange<UInt64>)
    func spoilt(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let bytes = Mutations.spoil(Array(Self.answer.utf8), using: &generator)
            _ = try? OpenAIEmbeddings.vectors(in: bytes)
            _ = try? OpenAIEmbeddings.converted(bytes, to: .base64)
            _ = try? OllamaEmbeddings(bytes)
        }
    }

    @Test("Ollama's vectors are read")
    func ollama() throws {
        let body = #"{"model":"m","embeddings":[[1,2],[3,4.5]],"total_duration":1,"prompt_eval_count":7}"#
        let answer = try OllamaEmbeddings(Array(body.utf8))
        #expect(answer.embeddings == [[1, 2], [3, 4.5]])
        #expect(answer.promptTokens == 7)
        #expect(throws: ChatError.self) { try OllamaEmbeddings(Array(#"{"error":"x"}"#.utf8)) }
    }
}
