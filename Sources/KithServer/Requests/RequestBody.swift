// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Hummingbird
import KithDialects
import NIOCore
import NIOHTTPTypes

extension Request {
    /// Reads a JSON body as a value.
    ///
    /// - Parameter limit: In bytes.
    /// - Throws: As ``jsonBody(upTo:)``; `ChatError` for what is not JSON or not such a value.
    package func decode<Value: Decodable>(_ type: Value.Type, upTo limit: Int) async throws -> Value {
        try JSONBody.decode(type, from: try await jsonBody(upTo: limit))
    }

    /// Reads a JSON body whole.
    ///
    /// - Throws: ``SurfaceRefusal`` for another content type or more than `limit` bytes.
    package func jsonBody(upTo limit: Int) async throws -> [UInt8] {
        if let type = headers[.contentType], !MediaTypes.isJSON(type) {
            throw SurfaceRefusal.unsupportedMediaType(type)
        }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw SurfaceRefusal.tooLarge(limit)
        }
        return try await body(upTo: limit)
    }

    /// Reads a body whole, whatever its type.
    ///
    /// - Throws: ``SurfaceRefusal`` for more than `limit` bytes.
    package func body(upTo limit: Int) async throws -> [UInt8] {
        do {
            return [UInt8](buffer: try await body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw SurfaceRefusal.tooLarge(limit)
        }
    }
}

extension Response {
    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], route: String? = nil
    ) throws -> Response {
        try PlainReply(value, status: status, headers: headers, route: route).response
    }

    /// An answer of server-sent events, or of another type in pieces, that intermediaries must pass on as they come.
    package static func eventStream(
        type: String = "text/event-stream", route: String? = nil,
        _ write: @escaping @concurrent @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        var response = Response(
            status: .ok, headers: [.contentType: type, .cacheControl: "no-cache"],
            body: ResponseBody(write))
        response.headers.setRoute(route)
        return response
    }
}

/// What a `Content-Type` says (RFC 9110, 8.3).
package enum MediaTypes {
    package static func isJSON(_ contentType: String) -> Bool {
        if contentType == "application/json" { return true }
        let type = contentType.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        return type == "application/json" || type == "text/json" || type.hasSuffix("+json")
    }

    /// Whether an `Accept` header names JSON and does not name plain text before it.
    package static func prefersJSON(_ accept: String) -> Bool {
        let types = accept.split(separator: ",").map { type in
            type.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        }
        return types.first { $0 == "application/json" || $0.hasPrefix("text/plain") } == "application/json"
    }
}

/// Sends a `100 Continue` to a client that waits for it, when its body is about to be read: a client that is refused
/// before gets that answer instead (RFC 9110, section 10.1.1).
package struct Expectations: RouterMiddleware {
    package typealias Context = NodeRequestContext

    package init() {}

    package func handle(
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

/// A body whose client is told to send it when reading begins.
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
                // The connection knows whether it still matters, and leaves it out when the body has begun to arrive.
                channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)), promise: nil)
            }
            return try await base.next()
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: body.makeAsyncIterator(), channel: channel) }
}
