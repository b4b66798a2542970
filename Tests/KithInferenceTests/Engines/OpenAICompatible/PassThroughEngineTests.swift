// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithTesting
import KithTransport
import Testing

@Suite("An OpenAI-compatible engine, asked for something else than an answer", .timeLimit(.minutes(1)))
struct PassThroughEngineTests {
    private func serving(
        _ responder: @escaping StubServer.Responder,
        _ body: (OpenAICompatibleEngine, StubServer) async throws -> Void
    ) async throws {
        let client = UpstreamClient()
        let answering: StubServer.Responder = { request, answer in
            guard request.method == "POST" else { return try await OpenAIStub.answer(request, answer) }
            try await responder(request, answer)
        }
        try await StubServer.serve(answering) { server in
            var base = server.address
            base.basePath = "/v1"
            let settings = OpenAISettings(address: base, key: .value(Secret("sk-key")))
            try await body(OpenAICompatibleEngine(settings: settings, client: client), server)
        }
        await client.shutDown()
    }

    private func request(_ text: String = #"{"model":"auto","input":"x"}"#) throws -> PassThroughRequest {
        var request = try OpenAIPassThrough.read(.speech, contentType: "application/json", Array(text.utf8))
        request.model = DialectStub.model
        return request
    }

    private func whole(_ answer: PassThroughAnswer) async throws -> [UInt8] {
        var whole: [UInt8] = []
        for try await piece in answer.body { whole += piece }
        return whole
    }

    @Test("Is given the client's body with its own name for the model, and its answer comes back byte for byte")
    func passed() async throws {
        let sound: [UInt8] = [0xFF, 0xFB, 0x00, 0x0A, 0x80]
        try await serving { _, answer in
            try await answer.begin(contentType: "audio/mpeg")
            try await answer.write(bytes: sound)
            try await answer.write(bytes: sound)
            try await answer.end()
        } _: { engine, server in
            let answer = try await engine.passThrough(try request())
            #expect(answer.contentType == "audio/mpeg")
            #expect(try await whole(answer) == sound + sound)
            let sent = try #require(server.requests.last)
            #expect(sent.uri == "/v1/audio/speech")
            #expect(sent[header: "content-type"] == "application/json")
            #expect(sent[header: "authorization"] == "Bearer sk-key")
            #expect(
                String(decoding: sent.body, as: UTF8.self) == #"{"model":"\#(DialectStub.model)","input":"x"}"#)
            _ = try await whole(try await engine.passThrough(try request(#"{"input":"x"}"#)))
            #expect(server.requests.last.map { String(decoding: $0.body, as: UTF8.self) } == #"{"input":"x"}"#)
        }
    }

    @Test(
        "One that has nothing of the kind is told from one that has something against the request",
        arguments: [
            (404, #"{"error":{"message":"File Not Found","type":"not_found_error"}}"#, ChatError.Code.unsupported),
            (404, #"{"detail":"Not Found"}"#, .unsupported), (405, "", .unsupported),
            (501, #"{"error":{"message":"This server does not support speech"}}"#, .unsupported),
            (400, #"{"error":{"message":"The model does not support this API"}}"#, .unsupported),
            (400, #"{"error":{"message":"response_format 'x' is not supported"}}"#, .invalidRequest),
            (422, #"{"error":{"message":"voice is missing","param":"voice"}}"#, .invalidRequest),
            (404, #"{"error":{"message":"The model 'x' does not exist"}}"#, .modelNotFound),
            (500, #"{"error":{"message":"out of memory"}}"#, .engineError), (429, "", .rateLimited),
        ])
    func refused(status: Int, body: String, code: ChatError.Code) async throws {
        try await serving { _, answer in
            try await answer.send(body, status: status)
        } _: { engine, _ in
            let failure = await #expect(throws: ChatError.self) { _ = try await engine.passThrough(try request()) }
            #expect(failure?.code == code, "\(failure?.message ?? "")")
            if code == .unsupported {
                #expect(failure?.message.contains("does not offer speech") == true)
                let lack = try #require(failure)
                #expect(Blame(lack, needs: [.speech]).subject == .feature(.speech))
            }
        }
    }

    @Test("A page where an answer should be is none")
    func page() async throws {
        try await serving { _, answer in
            try await answer.begin(contentType: "text/html; charset=utf-8")
            try await answer.end()
        } _: { engine, _ in
            let failure = await #expect(throws: ChatError.self) { _ = try await engine.passThrough(try request()) }
            #expect(failure?.code == .unsupported)
        }
    }

    @Test("An answer that breaks off throws, and is not taken for a whole one")
    func broken() async throws {
        try await serving { _, answer in
            try await answer.begin(contentType: "audio/mpeg")
            try await answer.write("ID3")
            answer.cut()
        } _: { engine, _ in
            let answer = try await engine.passThrough(try request())
            let failure = await #expect(throws: ChatError.self) { _ = try await whole(answer) }
            #expect(failure?.code == .interrupted)
        }
    }

    @Test("A deadline ends an answer that is still coming")
    func deadline() async throws {
        let clock = ManualClock()
        try await serving { _, answer in
            try await answer.begin(contentType: "audio/mpeg")
            try await answer.write("ID3")
            try await answer.end()
        } _: { engine, _ in
            let bounded = engine.until(clock.now + .seconds(5), clock: clock)
            let answer = try await bounded.passThrough(try request())
            clock.advance(by: .seconds(6))
            let failure = await #expect(throws: ChatError.self) { _ = try await whole(answer) }
            #expect(failure?.code == .deadlineExceeded)
        }
    }
}
