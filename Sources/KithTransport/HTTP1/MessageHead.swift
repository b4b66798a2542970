// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The head of a message of HTTP/1.1 (RFC 9112, 2.1) as it is written: lines that are ready to be sent, whose words whoever puts
/// them in has looked at.
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
