// SPDX-License-Identifier: Apache-2.0

package import KithModel
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server on 127.0.0.1 that answers as a test tells it to, however badly.
package final class StubServer: Sendable {
    /// Answers one request. It is cancelled when the client closes the connection before the answer is whole.
    package typealias Responder = @Sendable (StubRequest, StubAnswer) async throws -> Void

    package let address: HTTPAddress
    private let channel: any Channel
    private let state: StubServerLog

    /// Runs a server for as long as `body` does.
    package static func serve<Result>(
        _ responder: @escaping Responder, during body: (StubServer) async throws -> Result
    ) async throws -> Result {
        let server = try await StubServer(responder)
        let result: Result
        do {
            result = try await body(server)
        } catch {
            try await server.channel.close()
            throw error
        }
        try await server.channel.close()
        return result
    }

    private init(_ responder: @escaping Responder) async throws {
        let log = StubServerLog()
        state = log
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Without NIO's check of the order of parts, which traps where a stub is meant to misbehave.
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                        withPipeliningAssistance: false, withErrorHandling: false)
                    try channel.pipeline.syncOperations.addHandler(StubConnection(responder: responder, log: log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = HTTPAddress(host: "127.0.0.1", port: channel.localAddress?.port ?? 0)
    }

    /// The requests so far, oldest first; at most a thousand.
    package var requests: [StubRequest] { state.requests }

    /// Waits until a client has closed its connection in the middle of an answer.
    package func clientGone() async { await state.clientGone() }
}

/// A request as it came.
package struct StubRequest: Sendable {
    package var method: String
    /// Path and query.
    package var uri: String
    package var headers: [String: String]
    package var body: [UInt8]

    /// - Returns: The first value of a header; names are compared in lower case.
    package subscript(header name: String) -> String? { headers[name.lowercased()] }
}

/// One connection to a stub server: one request at a time. Bound to its event loop.
final class StubConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let responder: StubServer.Responder
    private let log: StubServerLog
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var answer: (task: Task<Void, Never>, answer: StubAnswer)?

    init(responder: @escaping StubServer.Responder, log: StubServerLog) {
        self.responder = responder
        self.log = log
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let buffer): body.append(contentsOf: buffer.readableBytesView)
        case .end:
            guard let head else { return }
            respond(
                to: StubRequest(
                    method: head.method.rawValue, uri: head.uri,
                    headers: Dictionary(
                        head.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first }),
                    body: body), on: context.channel)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let answer, !answer.answer.isOver {
            answer.task.cancel()
            log.noteClientGone()
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func respond(to request: StubRequest, on channel: any Channel) {
        log.add(request)
        let answer = StubAnswer(channel: channel)
        // The bridge from the event loop to the test's asynchronous code; ends with the answer or the connection.
        let task = Task { [responder] in
            do {
                try await responder(request, answer)
            } catch {
                answer.cut()
            }
        }
        self.answer = (task, answer)
    }
}

/// Writes the answer to one request, piece by piece.
package final class StubAnswer: Sendable {
    private let channel: any Channel
    private let over = Mutex(false)

    init(channel: any Channel) { self.channel = channel }

    var isOver: Bool { over.withLock { $0 } }

    /// A whole answer, in one flush: a client that has all of its bytes may ask again at once, and must not be answered
    /// before this answer's end has been noted.
    package func send(
        _ body: String, status: Int = 200, contentType: String = "application/json", headers: [String: String] = [:]
    ) async throws {
        var headers = headers
        headers["Content-Length"] = String(body.utf8.count)
        channel.write(Self.head(status, contentType: contentType, headers: headers), promise: nil)
        channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: body))), promise: nil)
        try await end()
    }

    package func begin(_ status: Int = 200, contentType: String, headers: [String: String] = [:]) async throws {
        try await write(Self.head(status, contentType: contentType, headers: headers))
    }

    private static func head(
        _ status: Int, contentType: String, headers: [String: String]
    ) -> HTTPServerResponsePart {
        var fields = HTTPHeaders([("Content-Type", contentType)])
        for (name, value) in headers { fields.add(name: name, value: value) }
        return .head(
            HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: fields))
    }

    package func write(_ text: String) async throws { try await write(bytes: Array(text.utf8)) }

    package func write(bytes: [UInt8]) async throws { try await write(.body(.byteBuffer(ByteBuffer(bytes: bytes)))) }

    package func end() async throws {
        over.withLock { $0 = true }
        try await write(.end(nil))
    }

    /// Closes the connection at once, even in the middle of an answer.
    package func cut() {
        over.withLock { $0 = true }
        channel.close(promise: nil)
    }

    /// Sends nothing more until the client closes the connection.
    package func hang() async throws { try await Task.sleep(for: .seconds(3_600)) }

    private func write(_ part: HTTPServerResponsePart) async throws { try await channel.writeAndFlush(part) }
}

/// What the connections of a stub server have seen.
final class StubServerLog: Sendable {
    private struct State {
        var requests: [StubRequest] = []
        var clientsGone = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private static let limit = 1_000

    private let state = Mutex(State())

    var requests: [StubRequest] { state.withLock { $0.requests } }

    func add(_ request: StubRequest) {
        state.withLock { if $0.requests.count < Self.limit { $0.requests.append(request) } }
    }

    func noteClientGone() {
        let waiters = state.withLock { state in
            state.clientsGone += 1
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func clientGone() async {
        await withCheckedContinuation { continuation in
            let isPast = state.withLock { state in
                if state.clientsGone == 0 { state.waiters.append(continuation) }
                return state.clientsGone > 0
            }
            if isPast { continuation.resume() }
        }
    }
}
