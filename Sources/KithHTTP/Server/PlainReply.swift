// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import NIOCore

/// A whole answer, for whichever way the request came: through the framework or before it.
struct PlainReply: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields
    var body: ByteBuffer

    init(
        json body: ByteBuffer, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], route: RouteReport? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.headers[.contentType] = "application/json"
        self.headers[.contentLength] = String(body.readableBytes)
        self.headers.setRoute(route)
    }

    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    init(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], route: RouteReport? = nil
    ) throws {
        self.init(
            json: ByteBuffer(bytes: try JSONBody.encode(value)), status: status, headers: headers, route: route)
    }

    var response: Response { Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body)) }
}
