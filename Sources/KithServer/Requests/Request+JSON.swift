// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Hummingbird
import NIOCore

extension Request {
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

    /// An answer of server-sent events that intermediaries must pass on as they come.
    package static func eventStream(
        route: String? = nil,
        _ write: @escaping @concurrent @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        var response = Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
            body: ResponseBody(write))
        response.headers.setRoute(route)
        return response
    }
}
