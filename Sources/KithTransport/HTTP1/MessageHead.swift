// SPDX-License-Identifier: Apache-2.0

import KithModel
package import NIOCore
import NIOHTTP1

/// The head of an HTTP/1.1 message as bytes (RFC 9112, 2.1). The caller has checked every name and value: nothing is
/// escaped here.
package struct MessageHead {
    private var bytes = ByteBuffer()

    /// - Parameter capacity: About how many bytes the message takes, so that memory is asked for once.
    package init(capacity: Int) { bytes.reserveCapacity(capacity) }

    package mutating func put(_ text: String) { bytes.writeString(text) }

    package mutating func put(field name: String, _ value: String) {
        var (name, value) = (name, value)
        name.withUTF8 { name in
            value.withUTF8 { value in
                _ = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: name.count + value.count + 4) { target in
                    target.copyMemory(from: UnsafeRawBufferPointer(name))
                    target[name.count] = UInt8(ascii: ":")
                    target[name.count + 1] = UInt8(ascii: " ")
                    UnsafeMutableRawBufferPointer(rebasing: target[(name.count + 2)...])
                        .copyMemory(from: UnsafeRawBufferPointer(value))
                    let end = name.count + 2 + value.count
                    target[end] = UInt8(ascii: "\r")
                    target[end + 1] = UInt8(ascii: "\n")
                    return end + 2
                }
            }
        }
    }

    /// Ends the head.
    package consuming func bytes(followedBy body: ByteBuffer = ByteBuffer()) -> ByteBuffer {
        bytes.writeStaticString("\r\n")
        bytes.writeImmutableBuffer(body)
        return bytes
    }
}

/// Takes the place of NIO's request encoder: the head of a request, and the part of its body that goes with it, were put
/// into one buffer before, so that they take one pass through the pipeline and one write.
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
        var head = MessageHead(capacity: 320 + path.utf8.count + 64 * headers.count + part.readableBytes)
        head.put(method.rawValue)
        head.put(" ")
        head.put(address.basePath)
        head.put(path)
        head.put(" HTTP/1.1\r\n")
        forEachField { head.put(field: $0, $1) }
        return head.bytes(followedBy: part)
    }
}
