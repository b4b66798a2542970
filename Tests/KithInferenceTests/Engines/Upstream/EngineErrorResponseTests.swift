// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithInference

@Suite("An engine's refusal")
struct EngineErrorResponseTests {
    private func failure(
        _ status: Int, _ body: String = "", retryAfter: String? = nil, milliseconds: String? = nil
    ) -> ChatError {
        EngineErrorResponse(
            engine: "Ollama", status: status, retryAfter: retryAfter, retryAfterMilliseconds: milliseconds,
            body: Array(body.utf8), model: "m", key: Secret("sk-1234"),
            now: WallTime(milliseconds: 1_792_567_680_000)  // 2026-10-21T07:28:00Z
        ).failure
    }

    @Test(
        "Means what its status says",
        arguments: [
            (400, ChatError.Code.invalidRequest), (413, .invalidRequest), (422, .invalidRequest),
            (401, .unauthorized),
            (402, .unauthorized), (403, .invalidRequest), (404, .unsupported), (415, .invalidRequest),
            (405, .unsupported), (501, .unsupported), (408, .timeout),
            (504, .timeout), (429, .rateLimited), (503, .overloaded), (529, .overloaded), (500, .engineError),
            (502, .engineError), (302, .invalidAnswer), (204, .invalidAnswer), (418, .invalidAnswer),
        ])
    func codes(status: Int, code: ChatError.Code) { #expect(failure(status).code == code) }

    @Test(
        "Is told in the engine's own words, wherever they stand",
        arguments: [
            #"{"error":{"message":"too long"}}"#, #"{"error":"too long"}"#, #"{"message":"too long"}"#,
            #"{"error":{"error":{"message":"too long"}}}"#, #"{"detail":"too long"}"#,
            #"{"detail":{"message":"too long"}}"#, #"{"detail":{"error":"too long"}}"#, #"{"errors":["too long"]}"#,
            #"{"errors":[{"message":"too long"}]}"#, #"{"error":{"message":"{\"error\":{\"message\":\"too long\"}}"}}"#,
            #"[{"error":{"message":"too long"}}]"#, #""too long""#, "too long", "\n  too long\ntrace: …",
            #"{"object":"error","message":"too long","code":400}"#, #"{"error":null,"message":"too long"}"#,
        ])
    func words(body: String) { #expect(failure(400, body).message == "too long") }

    @Test("Says what FastAPI finds wrong, and where")
    func fastAPI() {
        let body = #"{"detail":[{"loc":["body","messages",0,"role"],"msg":"Field required","type":"missing"}]}"#
        #expect(failure(422, body).message == "messages.0.role: Field required")
    }

    @Test("Says by how much a prompt is too long, where the engine does")
    func excess() {
        let body =
            #"{"error":{"code":400,"message":"too long","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}"#
        #expect(failure(400, body).excess == PromptExcess(tokens: 5_000, limit: 4_096))
        #expect(failure(400, #"{"error":{"message":"no","n_prompt_tokens":5,"n_ctx":4096}}"#).excess == nil)
        #expect(failure(503, body).excess == nil)
    }

    @Test("Keeps the engine's own word, and the field at fault")
    func code() {
        let body = #"{"error":{"message":"no","type":"invalid_request_error","param":"n","code":"unsupported_value"}}"#
        #expect(failure(400, body).engineCode == "unsupported_value")
        #expect(failure(400, body).field == "n")
        #expect(failure(400, body).engineStatus == 400)
        #expect(
            failure(500, #"{"error":{"message":"no","type":"server_error","code":500}}"#).engineType == "server_error")
        #expect(
            failure(400, #"{"error":{"message":"no","code":"\#(String(repeating: "x", count: 500))"}}"#)
                .engineCode?.count == 64)
    }

    @Test(
        "Speaks of a model or of the path",
        arguments: [
            (#"{"error":"model 'm' not found"}"#, ChatError.Code.modelNotFound),
            (#"{"error":{"message":"The model does not exist","code":"model_not_found"}}"#, .modelNotFound),
            ("404 page not found", .unsupported), ("", .unsupported), (#"{"detail":"Not Found"}"#, .unsupported),
        ])
    func notFound(body: String, code: ChatError.Code) { #expect(failure(404, body).code == code) }

    @Test("A 403 speaks of the request, unless it names the key")
    func forbidden() {
        #expect(failure(403, #"{"error":"flagged by our moderation policy"}"#).code == .invalidRequest)
        #expect(failure(403, #"{"error":"flagged by our moderation policy"}"#).message.contains("moderation"))
        #expect(failure(403, #"{"error":{"message":"invalid api key"}}"#).code == .unauthorized)
    }

    @Test(
        "A picture for a model that only reads is the client's to change, whatever status the engine gives it",
        arguments: [400, 500, 501])
    func pictures(status: Int) {
        for words in [
            "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
            "this model is missing data required for image input", "m is not a multimodal model",
        ] {
            let failure = failure(status, #"{"error":{"message":"\#(words)"}}"#)
            #expect(failure.code == .unsupported)
            #expect(Blame(failure, needs: [.vision]).subject == .feature(.vision))
        }
        #expect(failure(500, #"{"error":"could not decode the image: format not supported"}"#).code == .engineError)
    }

    @Test("Takes anything for a body without harm", arguments: 1...50 as ClosedRange<UInt64>)
    func anything(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let seeds = [
            #"{"error":{"message":"{\"error\":\"x\"}","code":1}}"#, #"{"detail":[{"loc":[1,"a"],"msg":"b"}]}"#, "plain",
            String(repeating: "[", count: 300), String(repeating: #"{"error":"#, count: 50) + "1",
        ]
        for status in [400, 404, 500] {
            var bytes = Array((seeds.randomElement(using: &generator) ?? "").utf8)
            for _ in 0..<Int.random(in: 0...6, using: &generator) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let refusal = EngineErrorResponse(engine: "it", status: status, body: bytes).failure
            #expect(!refusal.message.isEmpty && refusal.message.count <= 540)
            #expect(!refusal.message.unicodeScalars.contains { $0.value < 0x20 })
        }
    }

    @Test(
        "Is told in ours when the engine's are none",
        arguments: ["<html>trace at 0x7f</html>", "", "null", "[]", #"{"error":5}"#, "\u{0}"])
    func noWords(body: String) { #expect(failure(400, body).message == "Ollama refuses the request") }

    @Test("Keeps the key to itself, whatever the engine repeats", arguments: [400, 401, 403, 404, 429, 500])
    func key(status: Int) {
        let failure = failure(status, #"{"error":{"message":"Incorrect key sk-1234 provided"}}"#)
        #expect(!"\(failure)".contains("sk-1234"))
    }

    @Test("Is one line of bounded length")
    func bounded() {
        let message = failure(400, #"{"error":"a\nb\u0000\#(String(repeating: "x", count: 9_000))"}"#).message
        #expect(message.hasPrefix("a b␀x"))
        #expect(message.count == 500)
    }

    @Test(
        "Says when to come again, if that is sensible",
        arguments: [
            ("2", Duration.seconds(2)), ("0.5", .milliseconds(500)), (nil, nil), ("soon", nil), ("-1", nil),
            ("1e300", nil),
            ("nan", nil), ("Wed, 21 Oct 2026 07:28:30 GMT", .seconds(30)), ("Wed, 21 Oct 2026 07:27:00 GMT", .zero),
            ("Thu, 29 Feb 2029 25:00:00 GMT", nil), ("Wed, 99999999999999999999 Oct 2026 07:28:30 GMT", nil),
        ] as [(String?, Duration?)])
    func retryAfter(header: String?, expected: Duration?) {
        #expect(failure(429, retryAfter: header).retryAfter == expected)
    }

    @Test("Takes milliseconds before seconds")
    func milliseconds() {
        #expect(failure(429, retryAfter: "2", milliseconds: "250").retryAfter == .milliseconds(250))
        #expect(failure(503, retryAfter: "2", milliseconds: "soon").retryAfter == .seconds(2))
    }
}
