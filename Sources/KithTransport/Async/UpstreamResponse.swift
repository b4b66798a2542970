// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import NIOHTTP1

/// A whole answer.
package struct UpstreamReply: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: ByteBuffer
}

/// An answer whose head has come and whose body is coming.
package struct UpstreamResponse: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: UpstreamBody
}
