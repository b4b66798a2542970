// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes

/// Tells a client that waits for a word before it sends its body to go on, when the body is about to be read: who is refused
/// before gets that answer instead (RFC 9110, section 10.1.1).
package struct Expectations: RouterMiddleware {
    typealias Context = NodeRequestContext

    package init() {}

    func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let expected = request.headers[.expect] else { return try await next(request, context) }
        guard Self.areMet(expected) else { throw SurfaceRefusal.expectationFailed(expected) }
        var request = request
        request.body = RequestBody(asyncSequence: AwaitedBody(body: request.body, channel: context.channel))
        return try await next(request, context)
    }

    /// - Parameter expected: the value of the field `Expect`.
    static func areMet(_ expected: String) -> Bool {
        expected.split(separator: ",").allSatisfy { one in
            one.filter { $0 != " " && $0 != "\t" }.lowercased() == "100-continue"
        }
    }
}

/// A body whose client is told to send it when somebody begins to read.
private struct AwaitedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let body: RequestBody
    let channel: any Channel

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var base: RequestBody.AsyncIterator
        fileprivate var channel: (any Channel)?

        @concurrent mutating func next() async throws -> ByteBuffer? {
            if let channel {
                self.channel = nil
                // Whether it still matters is known there: the connection leaves it out when the body has begun to come.
                channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)), promise: nil)
            }
            return try await base.next()
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: body.makeAsyncIterator(), channel: channel) }
}
