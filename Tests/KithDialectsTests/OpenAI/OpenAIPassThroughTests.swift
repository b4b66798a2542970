// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("Requests that are passed through")
struct OpenAIPassThroughTests {
    private static let json = "application/json"
    private static let type = "multipart/form-data; boundary=x1"

    private func read(_ text: String, as type: String) throws(ChatError) -> PassThroughRequest {
        try OpenAIPassThrough.read(.transcriptions, contentType: type, Array(text.utf8))
    }

    private func written(_ request: PassThroughRequest, _ model: ModelID) throws -> String {
        String(decoding: try request.body(naming: model), as: UTF8.self)
    }

    private func form(_ fields: String...) -> String {
        fields.map { "--x1\r\nContent-Disposition: form-data; \($0)\r\n" }.joined() + "--x1--\r\n"
    }

    @Test("The model is found in JSON, and another name takes its place, with all else as it was written")
    func object() throws {
        let text = #"{ "query":"q\u00e9", "model" : "auto" ,"documents":["a",{"model":"no"}],"x":1.0}"#
        let request = try read(text, as: Self.json)
        #expect(request.model == nil)
        #expect(try written(request, "rank \"1\"") == text.replacing("\"auto\"", with: #""rank \"1\"""#))
        let named = try read(text.replacing("auto", with: "m"), as: Self.json)
        #expect(named.model == "m")
        #expect(try written(named, "m") == text.replacing("auto", with: "m"))
    }

    @Test("The model is found in a form, and another name takes its place, with all else as it was written")
    func field() throws {
        let text = form(
            "name=\"file\"; filename=\"model\"\r\n\r\n\0\u{1}--x1x", "name=\"model\"\r\n\r\nfast",
            "name=\"language\"\r\n\r\nen")
        let request = try read(text, as: Self.type)
        #expect(request.model == "fast")
        #expect(try written(request, "whisper-1") == text.replacing("fast", with: "whisper-1"))
        #expect(throws: ChatError.self) { try request.body(naming: "a\r\n--x1--") }
    }

    @Test("A client that names no model leaves it to the engine")
    func unnamed() throws {
        for (text, type) in [
            (#"{"prompt":"a cat"}"#, Self.json), (form("name=\"file\"; filename=\"a\"\r\n\r\nx"), Self.type),
        ] {
            let request = try read(text, as: type)
            #expect(request.model == nil)
            #expect(request.modelPlace == nil)
            #expect(try written(request, "m") == text)
        }
    }

    @Test(
        "What nobody could read in one way is refused",
        arguments: [
            ("{", json), ("[]", json), (#"{"model":1}"#, json), (#"{"model":"a","model":"b"}"#, json), ("", json),
            (#"{"model":"a"} x"#, json), ("x", type), ("{}", "multipart/form-data"),
            (
                "--x1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\na\r\n--x1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nb\r\n--x1--",
                type
            ),
            (
                "--x1\r\nContent-Disposition: form-data; name=\"model\"; filename=\"m\"\r\n\r\na\r\n--x1--",
                type
            ),
        ])
    func refused(text: String, type: String) {
        let failure = #expect(throws: ChatError.self) { try read(text, as: type) }
        #expect([.malformedRequest, .invalidRequest].contains(failure?.code))
    }

    @Test("Names tell what some models are for")
    func names() {
        #expect(EngineService.rerank.suits("bge-reranker-v2-m3"))
        #expect(EngineService.transcriptions.suits("openai/Whisper-large-v3"))
        #expect(EngineService.speech.suits("gpt-4o-mini-tts"))
        #expect(EngineService.imageGenerations.suits("dall-e-3"))
        for service in EngineService.allCases { #expect(!service.suits("llama3.2:3b"), "\(service)") }
    }
}
