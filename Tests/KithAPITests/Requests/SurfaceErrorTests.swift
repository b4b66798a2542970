// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import KithDialects
import KithModel
import KithStore
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import Testing
@testable import KithAPI
@testable import KithServer

@Suite("What a client and the log are told of an error")
struct SurfaceErrorTests {
    private struct Unheard: Error, CustomStringConvertible {
        var description: String { "the tape is torn" }
    }

    @Test("An error that nobody expected is in the log under the reference that the client is told, and not before it")
    func reference() throws {
        let problem = SurfaceError(fault: Unheard(), reference: 0xAB)
        #expect(problem.status == .internalServerError)
        #expect(problem.message.contains("000000ab"))
        #expect(!problem.message.contains("torn"))
        #expect(problem.fault?.reference == "000000ab")
        #expect(problem.fault?.type.contains("Unheard") == true)
        let lines = Mutex<[String]>([])
        var logger = Logger(label: "test") { _ in LineLog { line in lines.withLock { $0.append(line) } } }
        logger.logLevel = .notice
        problem.log(path: "/x", to: logger)
        let line = try #require(lines.withLock { $0.first })
        for word in ["000000ab", "the tape is torn", "Unheard", "/x"] { #expect(line.contains(word)) }
    }

    @Test("What is known is said: a full disk, a client that went, a number that is none, broken HTTP")
    func known() {
        #expect(SurfaceError(StoreError(.full, "x")).status.code == 507)
        #expect(SurfaceError(IOError(errnoCode: 28, reason: "write")).status.code == 507)
        #expect(SurfaceError(IOError(errnoCode: 104, reason: "read")).status == .badRequest)
        #expect(SurfaceError(ChannelError.inputClosed).status == .badRequest)
        #expect(SurfaceError(HTTPParserError.invalidChunkSize).status == .badRequest)
        #expect(SurfaceError(HTTPParserError.headerOverflow).status.code == 431)
        do {
            _ = try JSONBody.encode([Double.nan])
        } catch {
            #expect(SurfaceError(error).message.contains("number"))
        }
    }

    @Test(
        "When to ask again is never sooner than is true, in seconds and in milliseconds",
        arguments: [
            (0.0, "1", "1"), (0.2, "1", "200"), (1, "1", "1000"), (1.001, "2", "1001"), (59.9999, "60", "60000"),
        ])
    func retryAfter(seconds: Double, whole: String, fine: String) throws {
        for code in [ChatError.Code.overloaded, .rateLimited] {
            let problem = SurfaceError(ChatError(code, "busy", retryAfter: .seconds(seconds)))
            #expect(problem.headers[.retryAfter] == whole)
            #expect(problem.headers[.retryAfterMilliseconds] == fine)
        }
    }

    @Test("An engine's own word for what is wrong is the code, and the field at fault the parameter")
    func engineCode() throws {
        var failure = ChatError(.invalidRequest, "too long", field: "messages")
        failure.engineCode = "context_length_exceeded"
        let body = SurfaceError(failure).openAIBody
        let error = try JSONBody.decode(JSONValue.self, from: JSONBody.encode(body))["error"]
        #expect(error?["code"] == "context_length_exceeded")
        #expect(error?["param"] == "messages")
        #expect(error?["type"] == "invalid_request_error")
    }

    @Test("A node that nobody knows is the client's mistake")
    func unknownNode() throws {
        let problem = SurfaceError(ChatError(.nodeNotFound, "no node is called 'nosuch'", field: "x-kith-node"))
        #expect(problem.status == .notFound)
        let error = try JSONBody.decode(JSONValue.self, from: JSONBody.encode(problem.openAIBody))["error"]
        #expect(error?["code"] == "node_not_found")
        #expect(error?["type"] == "invalid_request_error")
    }

    @Test("A status that passes always says when")
    func alwaysWhen() throws {
        for status in [HTTPResponse.Status.serviceUnavailable, .tooManyRequests] {
            let reply = try SurfaceError(status: status, message: "x").reply(in: .control).response
            #expect(reply.headers[.retryAfter] == "1")
            #expect(reply.headers[.retryAfterMilliseconds] == "1000")
            let slow: HTTPFields = [.retryAfter: "5"]
            #expect(slow.sayingWhen(status)[.retryAfterMilliseconds] == "5000")
        }
        #expect(HTTPFields().sayingWhen(.notFound)[.retryAfter] == nil)
    }
}

private struct LineLog: LogHandler {
    let write: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { write("\(event.message) \(event.metadata ?? [:])") }
}
