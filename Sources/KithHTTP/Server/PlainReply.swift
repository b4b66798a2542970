// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import NIOCore

/// A whole answer, for whichever way the request came: through the framework or before it.
struct PlainReply: Sendable {
    let status: HTTPResponse.Status
    let body: ByteBuffer
    /// Not `HTTPFields`, which would put them in an index that nobody asks.
    private let fields: [HTTPField]

    init(
        json body: ByteBuffer, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], route: RouteReport? = nil
    ) {
        self.status = status
        self.body = body
        var fields = Array(headers)
        fields.append(HTTPField(name: .contentType, value: "application/json"))
        fields.append(HTTPField(name: .contentLength, value: String(body.readableBytes)))
        if let field = route?.field { fields.append(field) }
        self.fields = fields
    }

    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    init(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], route: RouteReport? = nil
    ) throws {
        self.init(
            json: ByteBuffer(bytes: try JSONBody.encode(value)), status: status, headers: headers, route: route)
    }

    /// As HTTP/1.1 sends it (RFC 9112, section 4).
    ///
    /// An `HTTPField` cannot hold what would end it.
    var http1: ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(256 + body.readableBytes)
        bytes.writeStaticString("HTTP/1.1 ")
        bytes.writeString(status == .ok ? "200 OK" : "\(status.code) \(status.reasonPhrase)")
        bytes.writeStaticString("\r\n")
        for field in fields {
            bytes.writeString(field.name.rawName)
            bytes.writeStaticString(": ")
            bytes.writeString(field.value)
            bytes.writeStaticString("\r\n")
        }
        bytes.writeStaticString("\r\n")
        bytes.writeImmutableBuffer(body)
        return bytes
    }

    var response: Response {
        Response(status: status, headers: HTTPFields(fields), body: ResponseBody(byteBuffer: body))
    }
}
