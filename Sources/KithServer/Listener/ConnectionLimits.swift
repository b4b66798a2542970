// SPDX-License-Identifier: Apache-2.0

/// What a connection from a client may cost.
package struct ConnectionLimits: Sendable {
    /// Connections held at once; more wait in the kernel's backlog.
    package var connections: Int
    /// Without a request, or in the middle of a head.
    package var idle: Duration
    /// In each of these times, from the first piece of a body on, ``bodyBytes`` of it come.
    package var body: Duration
    package var bodyBytes: Int
    /// From the first piece of a body to its end.
    package var wholeBody: Duration
    /// From the connection to the end of the TLS handshake.
    package var handshake: Duration
    /// Bytes of all header fields together.
    package var headerBytes: Int
    package var headerCount: Int
    /// Requests at once on one HTTP/2 connection.
    package var streams: Int

    package init(
        connections: Int = 4096, idle: Duration = .seconds(60), body: Duration = .seconds(30),
        bodyBytes: Int = 1 << 10, wholeBody: Duration = .seconds(600), handshake: Duration = .seconds(10),
        headerBytes: Int = 64 << 10, headerCount: Int = 100, streams: Int = 128
    ) {
        self.connections = connections
        self.idle = idle
        self.body = body
        self.bodyBytes = bodyBytes
        self.wholeBody = wholeBody
        self.handshake = handshake
        self.headerBytes = headerBytes
        self.headerCount = headerCount
        self.streams = streams
    }
}
