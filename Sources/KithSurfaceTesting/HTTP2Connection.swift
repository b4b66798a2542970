// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
import KithModel
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2
import NIOPosix
import NIOSSL

/// A client's connection that speaks HTTP/2 over TLS.
package struct HTTP2Connection: Sendable {
    private typealias Stream = NIOAsyncChannel<HTTPResponsePart, HTTPRequestPart>
    private typealias Multiplexer = NIOHTTP2Handler.AsyncStreamMultiplexer<Stream>

    private let channel: any Channel
    private let streams: Multiplexer

    package var isOpen: Bool { channel.isActive }

    package static func open<Result: Sendable>(
        to node: TestNode, _ tls: TestTLS, _ body: @Sendable (HTTP2Connection) async throws -> Result
    ) async throws -> Result {
        try await open(port: node.address.port, secure: { try tls.client(["h2"]) }, body)
    }

    /// - Parameter secure: Makes the TLS handler.
    static func open<Result: Sendable>(
        port: Int, secure: @escaping @Sendable () throws -> NIOSSLClientHandler,
        _ body: @Sendable (HTTP2Connection) async throws -> Result
    ) async throws -> Result {
        let (channel, streams) = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(try secure())
                    let streams: Multiplexer = try channel.pipeline.syncOperations.configureAsyncHTTP2Pipeline(
                        mode: .client, configuration: .init()
                    ) { $0.eventLoop.makeFailedFuture(ChannelError.operationUnsupported) }
                    return (channel, streams)
                }
            }
        defer { channel.close(promise: nil) }
        return try await body(HTTP2Connection(channel: channel, streams: streams))
    }

    package func send(
        _ method: HTTPRequest.Method, _ path: String, headers: HTTPFields = [:], _ body: String? = nil
    ) async throws -> (status: Int, text: String) {
        let answer = try await exchange(method, path, headers: headers, body)
        return (answer.status, answer.text)
    }

    /// As ``send(_:_:headers:_:)``, with the fields of the answer.
    package func exchange(
        _ method: HTTPRequest.Method, _ path: String, headers: HTTPFields = [:], _ body: String? = nil
    ) async throws -> (status: Int, fields: HTTPFields, text: String) {
        let stream = try await streams.openStream { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTPClientCodec())
                return try Stream(wrappingChannelSynchronously: channel)
            }
        }
        return try await stream.executeThenClose { inbound, outbound in
            var fields = headers
            if body != nil { fields[.contentType] = "application/json" }
            let head = HTTPRequest(
                method: method, scheme: "https", authority: "localhost", path: path, headerFields: fields)
            try await outbound.write(.head(head))
            if let body { try await outbound.write(.body(ByteBuffer(string: body))) }
            try await outbound.write(.end(nil))
            var answer = (status: 0, fields: HTTPFields(), text: "")
            for try await part in inbound {
                switch part {
                case .head(let head): (answer.status, answer.fields) = (head.status.code, head.headerFields)
                case .body(let piece): answer.text += String(buffer: piece)
                case .end: return answer
                }
            }
            return answer
        }
    }
}
