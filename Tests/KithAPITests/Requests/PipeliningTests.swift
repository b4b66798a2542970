// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithServer
import KithSurfaceTesting
import KithTesting
import Testing

@Suite("Requests on one connection", .timeLimit(.minutes(2)))
struct PipeliningTests {
    private func plain(_ word: String) -> String {
        post("/v1/chat/completions", #"{"messages":[{"role":"user","content":"\#(word)"}]}"#)
    }

    private func streamed(_ word: String) -> String {
        post("/v1/chat/completions", #"{"stream":true,"messages":[{"role":"user","content":"\#(word)"}]}"#)
    }

    private func seed(_ word: String) -> String { post("/api/generate", #"{"prompt":"\#(word)"}"#) }

    private func post(_ path: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test("Requests sent at once are all answered, in the order in which they came")
    func pipelined() async throws {
        let requests = [
            plain("first"), plain("second"), seed("third"), plain("fourth"), streamed("fifth"), seed("sixth"),
            plain("seventh"), plain("eighth"), plain("ninth"), seed("tenth"),
        ]
        let words = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
        try await TestNode.run(engine: EchoEngine()) { node in
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                try await connection.send(requests.joined())
                return await connection.read { $0.contains("tenth") }
            }
            let places = words.map { word in answer.firstRange(of: "\"\(word)\"")?.lowerBound }
            #expect(places.allSatisfy { $0 != nil })
            #expect(places.compactMap { $0 } == places.compactMap { $0 }.sorted())
            #expect(answer.ranges(of: "HTTP/1.1 200").count == words.count)
        }
    }

    @Test("A request that comes one byte at a time is answered like any other")
    func byteByByte() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                for byte in plain("slowly").utf8 { try await connection.send([byte]) }
                return await connection.read { $0.contains("slowly") }
            }
            #expect(answer.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("A connection that was sent many requests at once is closed when it rests, like any other")
    func restAfterPipelining() async throws {
        // Slow enough that the requests which follow have to wait.
        let setup = TestEngineSetup(settings: TestEngineSettings(firstTokenDelay: .milliseconds(20)))
        let limits = ConnectionLimits(idle: .milliseconds(300))
        try await TestNode.run(engine: CountEngine(setup: setup), limits: limits) { node in
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                try await connection.send([plain("one"), plain("two"), seed("three"), plain("four")].joined())
                return await connection.readToEnd()
            }
            #expect(answer.ranges(of: "HTTP/1.1 200").count == 4)
        }
    }

    @Test("A connection that asked to be closed is closed after its answer")
    func connectionClose() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let body = #"{"messages":[{"role":"user","content":"bye"}]}"#
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                try await connection.send(
                    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                )
                return await connection.readToEnd()
            }
            #expect(answer.contains("bye"))
        }
    }
}
