// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("What is passed to engines that have it", .timeLimit(.minutes(2)))
struct PassThroughRoutesTests {
    private static let formType: HTTPHeaders = ["Content-Type": "multipart/form-data; boundary=x1"]

    private func form(model: String) -> String {
        "--x1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n--x1\r\n"
            + "Content-Disposition: form-data; name=\"model\"\r\n\r\n\(model)\r\n--x1--\r\n"
    }

    @Test("Every path, with and without its version, asks for its service, and the answer comes back as it is")
    func paths() async throws {
        let engine = ServiceEngine("audio/mpeg", ["ID3", "more", "end"])
        try await TestNode.run("desk", engine: engine) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                for node in [desk, laptop] {
                    for service in EngineService.allCases {
                        for base in ["/v1", ""] {
                            let body = #"{"model":"whisper-1","input":"x"}"#
                            let reply = try await node.send(.POST, base + service.path, body)
                            #expect(reply.status == 200, "\(service): \(reply.text)")
                            #expect(reply.text == "ID3moreend")
                            #expect(reply.headers.first(name: "content-type") == "audio/mpeg")
                            #expect(reply.headers.first(name: "x-kith-route")?.contains("node=desk") == true)
                            #expect(engine.requests.last?.service == service)
                            #expect(engine.requests.last.map { String(decoding: $0.body, as: UTF8.self) } == body)
                        }
                    }
                }
            }
        }
    }

    @Test("A form goes on with its boundary, and `auto` is a model whose name fits")
    func forms() async throws {
        let engine = ServiceEngine("text/event-stream", ["data: a\n\n", "data: [DONE]\n\n"])
        try await TestNode.run("desk", engine: engine) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                for node in [desk, laptop] {
                    let reply = try await node.send(
                        .POST, "/v1/audio/transcriptions", headers: Self.formType, form(model: "auto"))
                    #expect(reply.status == 200, "\(reply.text)")
                    #expect(reply.text == "data: a\n\ndata: [DONE]\n\n")
                    let asked = try #require(engine.requests.last)
                    #expect(asked.model == "whisper-1")
                    #expect(asked.contentType == "multipart/form-data; boundary=x1")
                    #expect(
                        String(decoding: try asked.body(naming: "whisper-1"), as: UTF8.self) == form(model: "whisper-1")
                    )
                }
            }
        }
    }

    @Test("An engine that has nothing of the kind says so in words, and is not asked again while it is remembered")
    func lacking() async throws {
        let refusal = ChatError(.unsupported, "this engine does not offer speech")
        let engine = ServiceEngine("", [], refusal: refusal)
        try await TestNode.run("desk", engine: engine) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                for _ in 0..<3 {
                    let reply = try await laptop.send(.POST, "/v1/audio/speech", #"{"model":"whisper-1","input":"x"}"#)
                    #expect(reply.status == 400, "\(reply.text)")
                    #expect(try reply.json()["error"]?["code"] == "unsupported")
                    #expect(reply.text.contains("speech"))
                }
                #expect(engine.requests.count == 1)
                let other = try await laptop.send(.POST, "/v1/rerank", #"{"model":"whisper-1","query":"x"}"#)
                #expect(other.status == 400)
                #expect(engine.requests.count == 2)
            }
        }
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.POST, "/v1/images/generations", #"{"prompt":"a cat"}"#)
            #expect(reply.status == 400, "\(reply.text)")
            #expect(try reply.json()["error"]?["type"] == "invalid_request_error")
        }
    }

    @Test("What cannot be read is refused before an engine is asked, in OpenAI's words")
    func refused() async throws {
        let engine = ServiceEngine("audio/mpeg", ["x"])
        try await TestNode.run(engine: engine) { node in
            let huge = String(repeating: "x", count: (32 << 20) + 1)
            for (path, headers, body, status) in [
                ("/v1/audio/speech", Self.formType, form(model: "m"), 415),
                ("/rerank", ["Content-Type": "text/plain"], "x", 415),
                ("/v1/images/edits", ["Content-Type": "text/plain"], "x", 415),
                ("/v1/audio/speech", [:], "{", 400), ("/v1/audio/transcriptions", Self.formType, "--x1", 400),
                ("/v1/rerank", [:], #"{"model":"gone"}"#, 404), ("/v1/audio/translations", Self.formType, huge, 413),
            ] as [(String, HTTPHeaders, String, Int)] {
                let reply = try await node.send(.POST, path, headers: headers, body)
                #expect(reply.status == status, "\(path): \(reply.text)")
                #expect(try reply.json()["error"]?["message"] != nil)
            }
            #expect(try await node.send(.GET, "/v1/rerank").status == 405)
            #expect(engine.requests.isEmpty)
        }
    }

    @Test("An answer that breaks off ends its connection, and its slot is free again")
    func broken() async throws {
        let engine = ServiceEngine("audio/mpeg", ["ID3"], failure: ChatError(.interrupted, "the engine died"))
        try await TestNode.run("desk", engine: engine) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                for node in [desk, laptop, desk] {
                    await #expect(throws: ChatError.self) {
                        _ = try await node.send(.POST, "/v1/audio/speech", #"{"model":"whisper-1"}"#)
                    }
                }
                #expect(await eventually { desk.services.engine.status().active == 0 })
            }
        }
    }
}
