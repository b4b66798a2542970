// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import NIOCore
package import NIOHTTP1

/// One request to an engine or a peer.
package struct UpstreamRequest: Sendable {
    package var method: HTTPMethod
    package var address: HTTPAddress
    /// Begins with `/`; follows the address's base path.
    package var path: String
    /// `Host`, `Content-Length` and `Content-Type: application/json` (with a body) are added when missing.
    package var headers: HTTPHeaders
    package var body: ByteBuffer?
    package var limits: UpstreamLimits

    package init(
        _ method: HTTPMethod, _ address: HTTPAddress, path: String, headers: HTTPHeaders = [:],
        body: ByteBuffer? = nil, limits: UpstreamLimits = UpstreamLimits()
    ) {
        self.method = method
        self.address = address
        self.path = path
        self.headers = headers
        self.body = body
        self.limits = limits
    }
}

/// How long and how much is waited for; no wait is without a limit.
package struct UpstreamLimits: Sendable {
    /// Until a connection stands, name resolution included. A TLS handshake may take as long again, and ten seconds in any
    /// case: a busy machine needs them for its arithmetic.
    package var connect: Duration
    /// From the moment at which the request was written out until the first byte of the answer's body; the head alone
    /// says nothing about the work. A request of which no more goes out is given up after the longer of this and
    /// `stall`.
    package var firstByte: Duration
    /// Between two pieces of the answer.
    package var stall: Duration
    /// Bytes of an answer that is collected whole.
    package var bodyBytes: Int

    package init(
        connect: Duration = .seconds(2), firstByte: Duration = .seconds(10), stall: Duration = .seconds(30),
        bodyBytes: Int = 16 << 20
    ) {
        self.connect = connect
        self.firstByte = firstByte
        self.stall = stall
        self.bodyBytes = bodyBytes
    }
}
