// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import NIOHTTP1

/// Stands where NIO's request encoder would: the head of a request, and the part of its body that goes with it, were put into
/// one piece of bytes before, so that they take one walk through the pipeline and one write.
///
/// The head still passes the response decoder, which must know the method. Bound to the channel's event loop.
final class RequestBytes: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = ByteBuffer

    private static let post = HTTPRequestHead(version: .http1_1, method: .POST, uri: "")

    private var opening = ByteBuffer()

    /// - Parameter bytes: What goes out when this head passes.
    func head(of method: HTTPMethod, as bytes: ByteBuffer) -> HTTPRequestHead {
        opening = bytes
        return method == .POST ? Self.post : HTTPRequestHead(version: .http1_1, method: method, uri: "")
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head:
            let bytes = opening
            opening = ByteBuffer()
            context.write(wrapOutboundOut(bytes), promise: promise)
        case .body(.byteBuffer(let bytes)): context.write(wrapOutboundOut(bytes), promise: promise)
        case .body(.fileRegion): promise?.fail(ChannelError.operationUnsupported)
        case .end: promise?.succeed()
        }
    }
}

extension UpstreamRequest {
    /// The head as HTTP/1.1 sends it (RFC 9112, sections 3 and 5), followed by a part of the body.
    func http1(with part: ByteBuffer) -> ByteBuffer {
        let fields = fields
        var head = MessageHead(capacity: 128 + path.utf8.count + 64 * fields.count + part.readableBytes)
        head.put(method.rawValue)
        head.put(" ")
        head.put(address.basePath)
        head.put(path)
        head.put(" HTTP/1.1\r\n")
        for field in fields { head.put(field: field.name, field.value) }
        return head.bytes(followedBy: part)
    }
}
