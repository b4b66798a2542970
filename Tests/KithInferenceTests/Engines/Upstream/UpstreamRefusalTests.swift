// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithInference

@Suite("An engine's refusal")
struct UpstreamRefusalTests {
    private func failure(_ status: Int, _ body: String = "", retryAfter: String? = nil) -> ChatFailure {
        UpstreamRefusal(
            engine: "Ollama", status: status, retryAfter: retryAfter, body: Array(body.utf8), model: "m",
            key: Secret("sk-1234")
        ).failure
    }

    @Test(
        "Means what its status says",
        arguments: [
            (400, ChatFailure.Code.invalidRequest), (413, .invalidRequest), (422, .invalidRequest),
            (401, .unauthorized),
            (403, .unauthorized), (404, .modelNotFound), (405, .unsupported), (501, .unsupported), (408, .timeout),
            (504, .timeout), (429, .rateLimited), (503, .overloaded), (529, .overloaded), (500, .engineError),
            (502, .engineError), (302, .invalidAnswer), (204, .invalidAnswer), (418, .invalidAnswer),
        ])
    func codes(status: Int, code: ChatFailure.Code) { #expect(failure(status).code == code) }

    @Test(
        "Is told in the engine's own words, wherever they stand",
        arguments: [
            #"{"error":{"message":"too long"}}"#, #"{"error":"too long"}"#, #"{"message":"too long"}"#,
        ])
    func words(body: String) { #expect(failure(400, body).message == "too long") }

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
        #expect(message.hasPrefix("a b x"))
        #expect(message.count == 500)
    }

    @Test(
        "Says when to come again, if that is sensible",
        arguments: [
            ("2", Duration.seconds(2)), ("0.5", .milliseconds(500)), (nil, nil), ("soon", nil), ("-1", nil),
            ("1e300", nil),
            ("nan", nil), ("Wed, 21 Oct 2026 07:28:00 GMT", nil),
        ] as [(String?, Duration?)])
    func retryAfter(header: String?, expected: Duration?) {
        #expect(failure(429, retryAfter: header).retryAfter == expected)
    }
}
