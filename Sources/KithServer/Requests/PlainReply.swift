// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Hummingbird
import KithDialects
package import KithModel
import KithTransport
package import NIOCore

/// A whole answer, for whichever way the request came: through the framework or before it.
package struct PlainReply: Sendable {
    package let status: HTTPResponse.Status
    package let body: ByteBuffer
    /// Besides those of every answer. Not `HTTPFields`, which would put them in an index that nobody uses.
    private var others: [HTTPField]
    /// Of ASCII, as the name; neither has to be checked again.
    private let route: String?
    private var name: KithModel.RequestID?

    package init(
        json body: ByteBuffer, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], route: String? = nil
    ) {
        self.status = status
        self.body = body
        others = Array(headers)
        self.route = route.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package init(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], route: String? = nil
    ) throws {
        self.init(
            json: ByteBuffer(bytes: try JSONBody.encode(value)), status: status, headers: headers, route: route)
    }

    /// Tells the client what its request is called.
    package mutating func name(_ request: KithModel.RequestID) { name = request }

    package mutating func add(_ others: [HTTPField]) { self.others.append(contentsOf: others) }

    /// As HTTP/1.1 sends it (RFC 9112, section 4).
    ///
    /// An `HTTPField` cannot hold what would end it.
    package var http1: ByteBuffer {
        var head = MessageHead(capacity: 256 + body.readableBytes)
        if status == .ok {
            head.put("HTTP/1.1 200 OK\r\n")
        } else {
            head.put("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n")
        }
        head.put("Content-Type: application/json\r\n")
        head.put(field: HTTPField.Name.contentLength.rawName, String(body.readableBytes))
        if let route { head.put(field: HTTPField.Name.kithRoute.rawName, route) }
        if let name { head.put(field: HTTPField.Name.requestID.rawName, name.rawValue) }
        for field in others { head.put(field: field.name.rawName, field.value) }
        head.put(ResponseSecurity.lines)
        return head.bytes(followedBy: body)
    }

    /// The head of an answer of server-sent events in chunks, that intermediaries must pass on as they come.
    package static func eventStreamHead(
        route: String?, request: KithModel.RequestID, fields: [HTTPField] = []
    ) -> ByteBuffer {
        var head = MessageHead(capacity: 512)
        head.put("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n")
        head.put("X-Accel-Buffering: no\r\n")
        head.put(ResponseSecurity.lines)
        head.put(field: HTTPField.Name.requestID.rawName, request.rawValue)
        if let route, !route.isEmpty { head.put(field: HTTPField.Name.kithRoute.rawName, route) }
        for field in fields { head.put(field: field.name.rawName, field.value) }
        head.put("Transfer-Encoding: chunked\r\n")
        return head.bytes()
    }

    package var response: Response {
        var fields = HTTPFields(others)
        fields.append(HTTPField(name: .contentType, value: "application/json"))
        fields.append(HTTPField(name: .contentLength, value: String(body.readableBytes)))
        if let route { fields.append(HTTPField(name: .kithRoute, value: route)) }
        if let name { fields.append(HTTPField(name: .requestID, value: name.rawValue)) }
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: body))
    }
}

extension ByteBuffer {
    /// Appends a chunk of a body that is sent in chunks (RFC 9112, 7.1).
    ///
    /// - Parameter bytes: At least one; none would be the end of the body.
    package mutating func writeChunk(_ bytes: [UInt8]) {
        reserveCapacity(minimumWritableBytes: bytes.count + 24)
        let size = bytes.count
        var shift = (Int.bitWidth - size.leadingZeroBitCount - 1) / 4 * 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: size >> shift & 0xF)
            writeInteger(digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "a"))
            shift -= 4
        }
        writeStaticString("\r\n")
        writeBytes(bytes)
        writeStaticString("\r\n")
    }
}
