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

    /// The head of an answer of server-sent events in chunks, that intermediaries must pass on as they come.
    static func eventStreamHead(route: RouteReport?) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(512)
        bytes.writeStaticString("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n")
        bytes.writeStaticString("X-Accel-Buffering: no\r\n")
        if let field = route?.field {
            bytes.writeString(field.name.rawName)
            bytes.writeStaticString(": ")
            bytes.writeString(field.value)
            bytes.writeStaticString("\r\n")
        }
        bytes.writeStaticString("Transfer-Encoding: chunked\r\n\r\n")
        return bytes
    }

    var response: Response {
        Response(status: status, headers: HTTPFields(fields), body: ResponseBody(byteBuffer: body))
    }
}
