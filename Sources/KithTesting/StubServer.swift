// SPDX-License-Identifier: Apache-2.0

package import KithModel
import NIOCore
import NIOHTTP1
import NIOPosix

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

    /// What was asked so far, oldest first; at most a thousand.
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
