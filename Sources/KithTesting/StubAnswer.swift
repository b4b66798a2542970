// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import Synchronization

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

    /// Closes the connection as it stands.
    package func cut() {
        over.withLock { $0 = true }
        channel.close(promise: nil)
    }

    /// Says nothing more until the client goes.
    package func hang() async throws { try await Task.sleep(for: .seconds(3_600)) }

    private func write(_ part: HTTPServerResponsePart) async throws { try await channel.writeAndFlush(part) }
}
